"""Other load generators, each at its best settings and used as its users do."""
