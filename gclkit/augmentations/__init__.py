"""Graph in, view out."""
