"""The search methods that are compared."""
