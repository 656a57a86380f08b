"""Suggestion service: Katib's Suggestion API over a search core that knows no gRPC."""
