"""The shipped embedding model: data, and the script that made it."""
