"""How long the suggestion service takes to start and to answer, and the memory that it needs."""
