"""Embeddings, labels and a split -> scores. Never sees the model."""

from gclkit.evaluators.adam_probe import AdamProbe
from gclkit.evaluators.clustering import ClusteringScores, KMeansClustering
from gclkit.evaluators.comparison import PairedComparison, compare_paired, differs
from gclkit.evaluators.diagnose import diagnose
from gclkit.evaluators.edge_split import EdgeSplit, split_edges
from gclkit.evaluators.evaluate import evaluate, summarize_links
from gclkit.evaluators.group_accuracy import accuracy_by_degree, accuracy_by_quantile
from gclkit.evaluators.kmeans import kmeans
from gclkit.evaluators.linear_probe import LinearProbe
from gclkit.evaluators.link_prediction import LinkPrediction, LinkScores
from gclkit.evaluators.node_splits import (
    k_shot_split,
    make_splits,
    redrawn_split,
    splits_hash,
)
from gclkit.evaluators.pair_diagnostics import (
    alignment,
    anisotropy,
    hardness,
    neighbor_alignment,
    similarity_histograms,
    tolerance,
    uniformity,
)
from gclkit.evaluators.probe_scores import ProbeScores
from gclkit.evaluators.ranking_scores import ranking_scores
from gclkit.evaluators.read_embeddings import read_embeddings
from gclkit.evaluators.sklearn_probes import KNNProbe, RandomForestProbe, SVMProbe
from gclkit.evaluators.spectrum import covariance_spectrum, effective_rank
from gclkit.evaluators.summary import summarize

__all__ = [
    "AdamProbe",
    "ClusteringScores",
    "EdgeSplit",
    "KMeansClustering",
    "KNNProbe",
    "LinearProbe",
    "LinkPrediction",
    "LinkScores",
    "PairedComparison",
    "ProbeScores",
    "RandomForestProbe",
    "SVMProbe",
    "accuracy_by_degree",
    "accuracy_by_quantile",
    "alignment",
    "anisotropy",
    "compare_paired",
    "covariance_spectrum",
    "diagnose",
    "differs",
    "effective_rank",
    "evaluate",
    "hardness",
    "k_shot_split",
    "kmeans",
    "make_splits",
    "neighbor_alignment",
    "ranking_scores",
    "read_embeddings",
    "redrawn_split",
    "similarity_histograms",
    "split_edges",
    "splits_hash",
    "summarize",
    "summarize_links",
    "tolerance",
    "uniformity",
]
