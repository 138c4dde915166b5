"""Embeddings in, scalar out."""
