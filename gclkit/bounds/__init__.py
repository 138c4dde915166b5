"""Sound bounds through a graph encoder."""
