"""Loading and preparing graphs, and splits of their nodes."""
