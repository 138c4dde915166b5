"""Community structure found in the graph."""
