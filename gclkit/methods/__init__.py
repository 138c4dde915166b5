"""Named combinations of the parts: one published method per file."""

from gclkit.methods.csgcl import CSGCL
from gclkit.methods.grace import GRACE
from gclkit.methods.method import Method, StepOutput
from gclkit.methods.two_view import TwoViewContrast

__all__ = ["CSGCL", "GRACE", "Method", "StepOutput", "TwoViewContrast"]
