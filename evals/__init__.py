"""Is Lineside right? Cases on plants that no code was written for, and speed as a share of a baseline in one run."""
