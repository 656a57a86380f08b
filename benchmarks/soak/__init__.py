"""A suggestion service under many requests for a long time: memory, health and errors."""
