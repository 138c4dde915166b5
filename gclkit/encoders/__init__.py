"""View in, embeddings out."""
