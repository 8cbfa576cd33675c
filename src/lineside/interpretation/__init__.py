"""What the records mean: pure functions from a view of the memory to a cited reading."""
