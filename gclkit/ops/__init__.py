"""Primitives with backends: tensors in, tensors out."""
