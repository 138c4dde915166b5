"""Embeddings, labels and a split in, scores out."""
