"""Accuracy and cost of the load generator, against servers whose peak is known, and its peers."""
