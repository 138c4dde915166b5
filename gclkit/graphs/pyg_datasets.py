"""PyG's own dataset classes, where needed with a reader that is lean, quiet or safe."""

from __future__ import annotations

import contextlib
import io
import pickle
import urllib.error
import urllib.request
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data, InMemoryDataset, download_url, extract_zip
from torch_geometric.datasets import (
    Amazon,
    AttributedGraphDataset,
    CitationFull,
    Coauthor,
    Planetoid,
    WikiCS,
)
from torch_geometric.utils import to_undirected

from gclkit.graphs.csr_parts import read_csr
from gclkit.graphs.datasets import DATASETS
from gclkit.graphs.features import as_features, as_labels
from gclkit.graphs.npz import NpzFile
from gclkit.graphs.tables import read_table

SECONDS_TO_ANSWER = 10.0


def build(name: str, root: Path) -> Data:
    """Reads a dataset through its PyG class; downloads it first if its files are not there.

    Args:
        name: A name of the table that is not embedded.
        root: Folder that holds the folder of the dataset; processed files are written there.

    Raises:
        OSError: If the files have to be downloaded and the machine that has them is silent.
    """
    info = DATASETS[name]
    if not all((root / info.folder / file).exists() for file in info.files):
        _knock(_ADDRESS[info.origin])
    # PyG tells its progress on standard error, and sets and provokes warnings while reading.
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = _open(name, info.origin, str(root))[0]
    data.x = as_features("load", "x", data.x)
    return data


def _open(name: str, origin: str, root: str) -> InMemoryDataset:
    if origin == "Planetoid":
        return _Planetoid(root, DATASETS[name].folder)
    if origin == "Amazon":
        return _Amazon(root, name)
    if origin == "Coauthor":
        return _Coauthor(root, name)
    if origin == "CitationFull":
        return _CitationFull(root, name)
    if origin == "WikiCS":
        return WikiCS(f"{root}/{DATASETS[name].folder}", is_undirected=True)
    if origin == "AttributedGraphDataset":
        return _Attributed(root, name)
    return _Arxiv(f"{root}/{DATASETS[name].folder}")


_ADDRESS = {
    "Planetoid": Planetoid.url,
    "Amazon": Amazon.url,
    "Coauthor": Coauthor.url,
    "CitationFull": CitationFull.url.format("dblp"),
    "WikiCS": WikiCS.url,
    "AttributedGraphDataset": "https://drive.usercontent.google.com/",
    "Open Graph Benchmark": "https://snap.stanford.edu/ogb/data/nodeproppred/",
}


def _knock(address: str) -> None:
    # PyG's downloads have no time limit; an unreachable host is found out here, in seconds.
    request = urllib.request.Request(address, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER).close()
    except urllib.error.HTTPError:
        return  # The host answers; whether it has the file is the download's business.


class _Planetoid(Planetoid):
    """Refuses pickles that hold more than the arrays and lists of the published files."""

    def process(self) -> None:
        for path in map(Path, self.raw_paths):
            if path.suffix != ".index":
                with path.open("rb") as file:
                    _ArraysOnly(file, encoding="latin1").load()
        super().process()


class _ArraysOnly(pickle.Unpickler):
    ALLOWED = frozenset(
        {
            "numpy.dtype",
            "numpy.ndarray",
            "numpy.core.multiarray._reconstruct",
            "scipy.sparse.csr.csr_matrix",
            "collections.defaultdict",
            "__builtin__.list",
            "builtins.list",
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in self.ALLOWED:
            raise pickle.UnpicklingError(f"a pickle that asks for {module}.{name}")
        return super().find_class(module, name)


def _benchmark(path: str) -> Data:
    """Reads the layout of the GNN benchmark as PyG does, but keeps word counts sparse.

    PyG passes through a dense matrix, which takes gigabytes for Physics.
    """
    arrays = NpzFile("load", Path(path))
    x = read_csr("load", arrays, "attr")
    x.data = (x.data > 0).astype(np.float32)
    adjacency = read_csr("load", arrays, "adj").tocoo()
    pairs = torch.from_numpy(np.stack([adjacency.row, adjacency.col]).astype(np.int64))
    pairs = pairs[:, pairs[0] != pairs[1]]
    edge_index = to_undirected(pairs, num_nodes=x.shape[0])
    return Data(as_features("load", "x", x), edge_index, y=as_labels("load", "y", arrays["labels"]))


class _Amazon(Amazon):
    def process(self) -> None:
        self.save([_benchmark(self.raw_paths[0])], self.processed_paths[0])


class _Coauthor(Coauthor):
    def process(self) -> None:
        self.save([_benchmark(self.raw_paths[0])], self.processed_paths[0])


class _CitationFull(CitationFull):
    def process(self) -> None:
        self.save([_benchmark(self.raw_paths[0])], self.processed_paths[0])


class _Attributed(AttributedGraphDataset):
    """Reads the edge list with NumPy in place of pandas, and keeps the features sparse."""

    def process(self) -> None:
        attributes, edge_list, labels = map(Path, self.raw_paths)
        x = read_csr("load", NpzFile("load", attributes), "")
        edges = read_table("load", edge_list, columns=2)[0]
        y = read_table("load", labels, columns=2)[0][:, 1] - 1
        data = Data(as_features("load", "x", x), torch.from_numpy(edges.T.copy()))
        data.y = torch.from_numpy(y.copy())
        self.save([data], self.processed_paths[0])


class _Arxiv(InMemoryDataset):
    """Reads the raw files of ogbn-arxiv in the layout of the package ``ogb``.

    The package itself is not needed; its release 1.3.6 cannot load what it saved under torch
    2.6 and later.
    """

    url = "https://snap.stanford.edu/ogb/data/nodeproppred/arxiv.zip"

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.load(self.processed_paths[0])

    @property
    def raw_dir(self) -> str:
        return self.root

    @property
    def raw_file_names(self) -> list[str]:
        return list(DATASETS["ogbn-arxiv"].files)

    @property
    def processed_file_names(self) -> str:
        return "data.pt"

    def download(self) -> None:
        path = Path(download_url(self.url, self.root))
        extract_zip(str(path), self.root)
        path.unlink()
        for part in ("raw", "split"):
            (Path(self.root) / "arxiv" / part).rename(Path(self.root) / part)

    def process(self) -> None:
        edge, features, labels, *split = map(Path, self.raw_paths)
        edges = read_table("load", edge, columns=2)[0]
        y = read_table("load", labels, columns=1)[0][:, 0]
        x = np.loadtxt(features, delimiter=",", dtype=np.float32)
        data = Data(torch.from_numpy(x), torch.from_numpy(edges.T.copy()))
        data.y = torch.from_numpy(y.copy())
        for name, path in zip(("train_mask", "val_mask", "test_mask"), split, strict=True):
            mask = torch.zeros(len(y), dtype=torch.bool)
            mask[torch.from_numpy(read_table("load", path, columns=1)[0][:, 0])] = True
            data[name] = mask
        self.save([data], self.processed_paths[0])
