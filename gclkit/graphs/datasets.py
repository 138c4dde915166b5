"""The datasets that are known by name: what they hold and which files they come in."""

from __future__ import annotations

from typing import NamedTuple


class Dataset(NamedTuple):
    """What is known of a dataset before it is read.

    The counts are of the graph as its PyG class gives it, before preparation; they tell a
    complete download from an interrupted one. ``edges`` counts directed edges; None where
    publications disagree.

    Args:
        folder: Folder under the root, as the PyG class names it; empty if made on the spot.
        files: Files that must be in ``folder``.
        nodes: Number of nodes.
        edges: Number of directed edges.
        features: Number of features.
        classes: Number of classes.
        origin: Class or method that it comes from.
    """

    folder: str
    files: tuple[str, ...]
    nodes: int
    edges: int | None
    features: int
    classes: int
    origin: str

    @property
    def normalize(self) -> bool:
        """Whether the papers divide each row of features by its sum, as the code of GCA does."""
        return self.origin in ("Planetoid", "CitationFull", "Amazon", "Coauthor")


def _planetoid(name: str) -> tuple[str, ...]:
    parts = ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index")
    return tuple(f"raw/ind.{name}.{part}" for part in parts)


_ATTRIBUTED = ("raw/attrs.npz", "raw/edgelist.txt", "raw/labels.txt")
_ARXIV = (
    *(f"raw/{part}.csv.gz" for part in ("edge", "node-feat", "node-label")),
    *(f"split/time/{part}.csv.gz" for part in ("train", "valid", "test")),
)

DATASETS: dict[str, Dataset] = {
    "digits": Dataset("", (), 1797, 25070, 64, 10, "embedded"),
    "sbm": Dataset("", (), 2000, 17776, 500, 8, "embedded"),
    "cora": Dataset("Cora", _planetoid("cora"), 2708, 10556, 1433, 7, "Planetoid"),
    "citeseer": Dataset("CiteSeer", _planetoid("citeseer"), 3327, 9104, 3703, 6, "Planetoid"),
    "pubmed": Dataset("PubMed", _planetoid("pubmed"), 19717, 88648, 500, 3, "Planetoid"),
    "photo": Dataset(
        "Photo", ("raw/amazon_electronics_photo.npz",), 7650, 238162, 745, 8, "Amazon"
    ),
    "computers": Dataset(
        "Computers", ("raw/amazon_electronics_computers.npz",), 13752, 491722, 767, 10, "Amazon"
    ),
    "cs": Dataset("CS", ("raw/ms_academic_cs.npz",), 18333, 163788, 6805, 15, "Coauthor"),
    "physics": Dataset("Physics", ("raw/ms_academic_phy.npz",), 34493, 495924, 8415, 5, "Coauthor"),
    "dblp": Dataset("dblp", ("raw/dblp.npz",), 17716, 105734, 1639, 4, "CitationFull"),
    "wikics": Dataset("WikiCS", ("raw/data.json",), 11701, None, 300, 10, "WikiCS"),
    "blogcatalog": Dataset(
        "blogcatalog", _ATTRIBUTED, 5196, 343486, 8189, 6, "AttributedGraphDataset"
    ),
    "flickr": Dataset("flickr", _ATTRIBUTED, 7575, 479476, 12047, 9, "AttributedGraphDataset"),
    "ogbn-arxiv": Dataset("ogbn_arxiv", _ARXIV, 169343, 1166243, 128, 40, "Open Graph Benchmark"),
}


def dataset_name(source: str) -> str | None:
    """The name of a known dataset that is meant, in lower case; None where it is something else."""
    name = source.strip().lower()
    return name if name in DATASETS else None


def list_datasets() -> list[str]:
    """The names that :func:`gclkit.graphs.load` knows, the embedded ones first."""
    return list(DATASETS)
