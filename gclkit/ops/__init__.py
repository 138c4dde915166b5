"""Numeric primitives. No graph objects, no modules, no randomness."""

from gclkit.ops.backend import choose_backend
from gclkit.ops.inputs import check_all_finite
from gclkit.ops.mutual_logsumexp import mutual_logsumexp
from gclkit.ops.options import BlockOptions
from gclkit.ops.self_logsumexp import self_logsumexp
from gclkit.ops.similarity_logsumexp import similarity_logsumexp

__all__ = [
    "BlockOptions",
    "check_all_finite",
    "choose_backend",
    "mutual_logsumexp",
    "self_logsumexp",
    "similarity_logsumexp",
]
