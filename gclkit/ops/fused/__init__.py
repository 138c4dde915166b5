"""The Triton backend of the log-sum-exp operations; imported only when it runs."""

from gclkit.ops.fused._autograd import FusedRowSums as FusedRowSums
from gclkit.ops.fused._autograd import FusedSelfSums as FusedSelfSums
