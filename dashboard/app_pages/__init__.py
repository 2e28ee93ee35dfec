"""The pages: one script each, read from top to bottom."""
