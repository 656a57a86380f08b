"""Offline: what the suggestion service learns from before it meets a new service."""
