"""Graphs, assertions and instruments shared by tests and benchmarks."""
