"""Embeddings in, scalar out."""

from gclkit.losses.barlow_twins import BarlowTwins, barlow_twins
from gclkit.losses.bootstrap_cosine import BootstrapCosine, bootstrap_cosine
from gclkit.losses.cca_ssg import CCASSG, cca_ssg
from gclkit.losses.clip_infonce import ClipInfoNCE, clip_infonce
from gclkit.losses.dcl import DCL, dcl
from gclkit.losses.dclw import DCLW, dclw
from gclkit.losses.debiased_infonce import DebiasedInfoNCE, debiased_infonce
from gclkit.losses.estimate_memory import estimate_memory
from gclkit.losses.hardness_infonce import HardnessInfoNCE, hardness_infonce
from gclkit.losses.infonce import InfoNCE, infonce
from gclkit.losses.jsd import JSD, jsd
from gclkit.losses.mixed_infonce import MixedInfoNCE, mixed_infonce
from gclkit.losses.summary_jsd import SummaryJSD, summary_jsd
from gclkit.losses.supervised_contrast import SupervisedContrast, supervised_contrast
from gclkit.losses.team_up import TeamUp, team_up
from gclkit.losses.triplet_margin import TripletMargin, triplet_margin
from gclkit.losses.vicreg import VICReg, vicreg
from gclkit.losses.weighted_infonce import WeightedInfoNCE, weighted_infonce

__all__ = [
    "CCASSG",
    "DCL",
    "DCLW",
    "JSD",
    "BarlowTwins",
    "BootstrapCosine",
    "ClipInfoNCE",
    "DebiasedInfoNCE",
    "HardnessInfoNCE",
    "InfoNCE",
    "MixedInfoNCE",
    "SummaryJSD",
    "SupervisedContrast",
    "TeamUp",
    "TripletMargin",
    "VICReg",
    "WeightedInfoNCE",
    "barlow_twins",
    "bootstrap_cosine",
    "cca_ssg",
    "clip_infonce",
    "dcl",
    "dclw",
    "debiased_infonce",
    "estimate_memory",
    "hardness_infonce",
    "infonce",
    "jsd",
    "mixed_infonce",
    "summary_jsd",
    "supervised_contrast",
    "team_up",
    "triplet_margin",
    "vicreg",
    "weighted_infonce",
]
