"""Scores in, files out."""
