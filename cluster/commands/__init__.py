"""Commands of `morphling`, a module each."""
