"""What each choice of the ``maml`` surrogate does: the search without it."""
