"""Numeric primitives. No graph objects, no modules, no randomness."""

from gclkit.ops.backend import choose_backend
from gclkit.ops.mutual_logsumexp import mutual_logsumexp
from gclkit.ops.options import BlockOptions
from gclkit.ops.self_logsumexp import self_logsumexp
from gclkit.ops.similarity_logsumexp import similarity_logsumexp
from gclkit.ops.similarity_softplus import similarity_softplus
from gclkit.ops.spare_memory import release_memory

__all__ = [
    "BlockOptions",
    "choose_backend",
    "mutual_logsumexp",
    "release_memory",
    "self_logsumexp",
    "similarity_logsumexp",
    "similarity_softplus",
]
