"""Graphs, their preparation and their splits."""

from gclkit.graphs.check_graph import check_graph
from gclkit.graphs.dataset_hash import dataset_hash
from gclkit.graphs.datasets import list_datasets
from gclkit.graphs.load import load
from gclkit.graphs.prepare import prepare_graph
from gclkit.graphs.split import Split, check_split, public_split, random_split, split_hash

__all__ = [
    "Split",
    "check_graph",
    "check_split",
    "dataset_hash",
    "list_datasets",
    "load",
    "prepare_graph",
    "public_split",
    "random_split",
    "split_hash",
]
