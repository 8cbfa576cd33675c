"""A real Redmine for the live proofs."""
