"""Katib custom metrics collector: reports the result of a load test, once."""
