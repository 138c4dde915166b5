"""Every reader of files against mutated and planted ones: a value, or one line; nothing is run."""

import io
import pickle

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import HealthCheck, given, settings

from gclkit.evaluators import read_embeddings
from gclkit.graphs import check_graph, load
from gclkit.graphs.files import read_features, read_labels
from gclkit.graphs.stored import _read_copy, _write_copy
from gclkit.reports import read_report
from gclkit.testing.files import Payload, archive, mutated, mutated_archives, reads_or_refuses
from gclkit.testing.graphs import random_graph
from gclkit.training import load_checkpoint, read_config, save_checkpoint

GRAPH = random_graph(num_nodes=8, num_features=3, weighted=True, seed=1)
ARRAYS = {name: GRAPH[name].numpy() for name in ("edge_index", "x", "y", "edge_weight")}
KINDS = ["npz", "npy", "labels", "edge list", "graphml", "processed copy", "configuration",
         "checkpoint", "embeddings.npy", "embeddings.pt", "report"]  # fmt: skip
CONFIG = b"""method: grace
dataset: digits
model: {out_channels: 16, edge_p: [0.2, 0.4]}
training:
  epochs: 3
  lr: 0.01
run: {seeds: [0, 1]}
"""
TAGS = b"""method: !!python/object/apply:os.mkdir ["%s"]
dataset: !!python/name:os.system
"""
LAUGHS = b"method: &a [x, x]\n" + b"".join(
    b"k%d: &%c [%s]\n" % (i, 98 + i, b", ".join([b"*%c" % (97 + i)] * 9)) for i in range(9)
)
REPORT = (
    b'{"schema": 1, "status": "complete", "method": "grace", "results": {"classification": {}}}'
)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def csr_arrays():
    adjacency = sp.csr_matrix((np.ones(GRAPH.num_edges), GRAPH.edge_index.numpy()), shape=(8, 8))
    arrays = {"labels": ARRAYS["y"]}
    for prefix, matrix in (("adj", adjacency), ("attr", sp.csr_matrix(ARRAYS["x"]))):
        parts = ("data", "indices", "indptr")
        arrays |= {f"{prefix}_{part}": getattr(matrix, part) for part in parts}
        arrays[f"{prefix}_shape"] = np.array(matrix.shape)
    return arrays


def members(arrays, **further):
    return {f"{name}.npy": npy(array) for name, array in arrays.items()} | further


def edge_list():
    rows = zip(*GRAPH.edge_index.tolist(), GRAPH.edge_weight.tolist(), strict=True)
    return b"source,target,weight\n" + b"".join(b"%d,%d,%.3f\n" % row for row in rows)


def graphml():
    graph = nx.DiGraph()
    for node in range(8):
        graph.add_node(node, x0=float(GRAPH.x[node, 0]), x1=0.5, y=int(GRAPH.y[node]))
    graph.add_edges_from(GRAPH.edge_index.T.tolist(), weight=1.5)
    return "\n".join(nx.generate_graphml(graph)).encode()


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def load_graph(path):
    data = load(path, require_features=False, log=None)
    check_graph("fuzz", data, require_features=False)


def read_copy(path):
    data = _read_copy(path)
    if data is None:
        raise ValueError("load: a damaged copy, made anew")


def loader(kind, folder):
    """Ending, strategy of contents, reader and owners of refusals of one kind of file."""
    payload = Payload(folder / "executed")
    bare, boxed = pickle.dumps(payload), npy(np.array([payload], dtype=object))
    graph, matrix = ("load", "fuzz"), np.arange(12.0).reshape(4, 3)
    match kind:
        case "npz":
            graphs = members(ARRAYS), members(csr_arrays()), members(ARRAYS, **{"x.npy": boxed})
            return ".npz", mutated_archives(*graphs) | mutated(bare), load_graph, graph
        case "npy":
            contents = mutated(npy(ARRAYS["x"]), bare, boxed)
            return ".npy", contents, lambda path: read_features("load", path), graph
        case "labels":
            contents = mutated(b"0\n2\n1\n0\n", bare)
            return ".txt", contents, lambda path: read_labels("load", path), graph
        case "edge list":
            return ".csv", mutated(edge_list(), bare), load_graph, graph
        case "graphml":
            return ".graphml", mutated(graphml(), bare), load_graph, graph
        case "processed copy":
            _write_copy(GRAPH, folder / "copy")
            hostile = saved({"x": payload, "edge_index": GRAPH.edge_index})
            contents = mutated((folder / "copy").read_bytes(), hostile, bare)
            return ".pt", contents, read_copy, graph
        case "configuration":
            tags = TAGS % str(folder / "executed").encode()
            owners = ("read_config", "method_class", "RunSettings")
            return ".yaml", mutated(CONFIG, tags, LAUGHS, bare), read_config, owners
        case "checkpoint":
            save_checkpoint(folder / "good.pt", {"epoch": 3, "weight": torch.ones(4), "name": "a"})
            good, hostile = (folder / "good.pt").read_bytes(), saved({"version": 1, "a": payload})
            return ".pt", mutated(good, hostile, bare), load_checkpoint, ("load_checkpoint",)
        case "embeddings.npy":
            return ".npy", mutated(npy(matrix), bare), read_embeddings, ("read_embeddings",)
        case "embeddings.pt":
            good = (saved(found) for found in (torch.tensor(matrix), {"z": torch.tensor(matrix)}))
            contents = mutated(*good, saved({"embeddings": payload}), bare)
            return ".pt", contents, read_embeddings, ("read_embeddings",)
    return ".json", mutated(REPORT, bare), read_report, ("read_report",)


def fuzz(kind, count, folder):
    ending, contents, read, owners = loader(kind, folder)
    path = folder / f"fuzzed{ending}"
    outcomes = []

    @given(contents)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def run(content):
        path.write_bytes(content)
        outcomes.append(reads_or_refuses(path, read, owners))

    run()
    assert not (folder / "executed").exists(), "a payload was executed"
    return outcomes


@pytest.mark.parametrize("kind", KINDS)
def test_some_files(kind, tmp_path):
    outcomes = fuzz(kind, 150, tmp_path)
    assert len(outcomes) >= 100
    assert any(outcomes), "no mutated file was still readable: the mutations are too coarse"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_thousand_files(kind, tmp_path):
    assert len(fuzz(kind, 20_500, tmp_path)) >= 20_000


def test_the_unmutated_files_are_read(tmp_path):
    for ending, content in {
        ".npz": archive(members(ARRAYS)),
        ".csv": edge_list(),
        ".graphml": graphml(),
    }.items():
        (tmp_path / f"graph{ending}").write_bytes(content)
        data = load(tmp_path / f"graph{ending}", require_features=False, log=None)
        assert torch.equal(data.edge_index, GRAPH.edge_index)


def test_a_file_that_refers_to_itself_a_billion_times_is_refused_at_once(tmp_path):
    (tmp_path / "config.yaml").write_bytes(LAUGHS)
    assert not reads_or_refuses(tmp_path / "config.yaml", read_config, ("read_config",))


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{a: " * 20_000, b"a: " + b"9" * 6000])
def test_files_that_exhaust_a_parser(content, tmp_path):
    for read, owner in ((read_config, "read_config"), (read_report, "read_report")):
        (tmp_path / "file").write_bytes(content)
        assert not reads_or_refuses(tmp_path / "file", read, (owner,))
