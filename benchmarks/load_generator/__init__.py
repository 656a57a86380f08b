"""Accuracy of the load generator against queues whose peak is known."""
