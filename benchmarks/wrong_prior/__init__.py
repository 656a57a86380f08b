"""What the search costs where its prior knowledge is wrong, or none applies."""
