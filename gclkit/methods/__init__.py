"""Named combinations of the parts: one published method per file."""

from gclkit.methods.bgrl import BGRL
from gclkit.methods.cca_ssg import CCASSG
from gclkit.methods.controls import (
    diffused_features,
    features_by_hop,
    propagated_features,
    spectral_embedding,
)
from gclkit.methods.costa import COSTA
from gclkit.methods.csgcl import CSGCL
from gclkit.methods.dgi import DGI
from gclkit.methods.diffused_topics import diffused_topics
from gclkit.methods.gbt import GBT
from gclkit.methods.gca import GCA
from gclkit.methods.grace import GRACE
from gclkit.methods.method import Method, StepOutput
from gclkit.methods.mvgrl import MVGRL
from gclkit.methods.progcl import ProGCL
from gclkit.methods.two_view import TwoViewContrast

__all__ = [
    "BGRL",
    "CCASSG",
    "COSTA",
    "CSGCL",
    "DGI",
    "GBT",
    "GCA",
    "GRACE",
    "MVGRL",
    "Method",
    "ProGCL",
    "StepOutput",
    "TwoViewContrast",
    "diffused_features",
    "diffused_topics",
    "features_by_hop",
    "propagated_features",
    "spectral_embedding",
]
