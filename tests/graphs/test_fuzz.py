"""Every loader against mutated and planted files: a graph, or one line; nothing is executed."""

import io
import os
import pickle
import signal
import zipfile

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gclkit.graphs import check_graph, load
from gclkit.graphs.files import read_features, read_labels
from gclkit.graphs.stored import _read_copy, _write_copy
from gclkit.testing.graphs import random_graph

SECONDS_PER_FILE = 5
GRAPH = random_graph(num_nodes=8, num_features=3, weighted=True, seed=1)
ARRAYS = {name: GRAPH[name].numpy() for name in ("edge_index", "x", "y", "edge_weight")}


class Payload:
    """Makes a folder when it is unpickled, or when a YAML tag of it is obeyed."""

    folder = ""

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def csr_arrays():
    adjacency = sp.csr_matrix((np.ones(GRAPH.num_edges), GRAPH.edge_index.numpy()), shape=(8, 8))
    arrays = {"labels": ARRAYS["y"]}
    for prefix, matrix in (("adj", adjacency), ("attr", sp.csr_matrix(ARRAYS["x"]))):
        arrays |= {
            f"{prefix}_{part}": getattr(matrix, part) for part in ("data", "indices", "indptr")
        }
        arrays[f"{prefix}_shape"] = np.array(matrix.shape)
    return arrays


def archive(members, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def edge_list():
    rows = zip(*GRAPH.edge_index.tolist(), GRAPH.edge_weight.tolist(), strict=True)
    return "source,target,weight\n" + "".join(f"{u},{v},{w:.3f}\n" for u, v, w in rows)


def graphml():
    graph = nx.DiGraph()
    for node in range(8):
        graph.add_node(node, x0=float(GRAPH.x[node, 0]), x1=0.5, y=int(GRAPH.y[node]))
    graph.add_edges_from(GRAPH.edge_index.T.tolist(), weight=1.5)
    return "\n".join(nx.generate_graphml(graph)).encode()


EXTREMES = [
    b"\xff" * 8, b"\x00" * 8, b"\x80" + b"\x00" * 7, b"\x7f" + b"\xff" * 7, b"-1", b"1e999", b"nan",
    b"99999999999999999999", b"0.5", b"\n", b",", b"<", b"&lt;", b'"', b"{", b"\xed\xa0\x80", b"/",
    b"<!DOCTYPE a [", b"<!ENTITY a 'b'>", b"(99999999,)", b"'|O'", b"!!python/object:os.system",
]  # fmt: skip


def mutate(base, edits):
    """Applies edits (kind, place as a share, length, filling) to a file, one after the other."""
    content = bytearray(base)
    for kind, place, length, filling in edits:
        at = int(place * len(content))
        if kind == "overwrite":
            content[at : at + len(filling)] = filling
        elif kind == "insert":
            content[at:at] = filling
        elif kind == "delete":
            del content[at : at + length]
        elif kind == "repeat":
            content[at:at] = content[at : at + length] * 3
        elif kind == "cut":
            del content[at:]
        elif kind == "flip" and content:
            content[min(at, len(content) - 1)] ^= 1 << (length % 8)
    return bytes(content)


KINDS = ["overwrite", "insert", "delete", "repeat", "cut", "flip"]
EDIT = st.tuples(
    st.sampled_from(KINDS),
    st.floats(0, 1),
    st.integers(1, 40),
    st.sampled_from(EXTREMES) | st.binary(max_size=12),
)
EDITS = st.lists(EDIT, min_size=1, max_size=4)


def mutated(*bases):
    """Random bytes, or one of these files with a few edits."""
    return st.binary(max_size=80) | st.builds(mutate, st.sampled_from(bases), EDITS)


def mutated_archives(*bases):
    """Archives with one member edited inside an intact container, or edited as a whole."""

    def edit_member(members, which, edits):
        name = sorted(members)[which % len(members)]
        return archive(members | {name: mutate(members[name], edits)})

    inside = st.builds(edit_member, st.sampled_from(bases), st.integers(0, 9), EDITS)
    packed = [archive(base, zipfile.ZIP_DEFLATED) for base in bases]
    return st.one_of(inside, inside, inside, mutated(*packed))


def planted():
    """Pickles that would make a folder, bare and inside an array of objects."""
    return pickle.dumps(Payload()), npy(np.array([Payload()], dtype=object))


def members(arrays, **further):
    return {f"{name}.npy": npy(array) for name, array in arrays.items()} | further


def loaders():
    """Ending, strategy of contents and reader of each kind of file."""
    bare, boxed = planted()
    ready = {"require_features": False, "log": None}
    return {
        "npz": (
            ".npz",
            mutated_archives(
                members(ARRAYS), members(csr_arrays()), members(ARRAYS, **{"x.npy": boxed})
            )
            | mutated(bare),
            lambda path: load(path, **ready),
        ),
        "npy": (".npy", mutated(npy(ARRAYS["x"]), bare, boxed), lambda p: read_features("load", p)),
        "labels": (".txt", mutated(b"0\n2\n1\n0\n", bare), lambda path: read_labels("load", path)),
        "edge list": (".csv", mutated(edge_list().encode(), bare), lambda p: load(p, **ready)),
        "graphml": (".graphml", mutated(graphml(), bare), lambda path: load(path, **ready)),
        "processed copy": (".pt", mutated(processed_copy(), torch_pickle(), bare), _read_copy),
    }


def processed_copy():
    path = os.path.join(Payload.folder + ".copy")
    from pathlib import Path

    _write_copy(GRAPH, Path(path))
    return Path(path).read_bytes()


def torch_pickle():
    buffer = io.BytesIO()
    torch.save({"x": Payload(), "edge_index": GRAPH.edge_index}, buffer)
    return buffer.getvalue()


@pytest.fixture
def sentinel(tmp_path, monkeypatch):
    monkeypatch.setattr(Payload, "folder", str(tmp_path / "executed"))
    yield tmp_path / "executed"
    assert not (tmp_path / "executed").exists()


def overdue(*_):
    raise AssertionError(f"a file took more than {SECONDS_PER_FILE} seconds")


def read_or_refuse(path, read):
    """Reads a file; anything but a result or one line that names the owner is an error."""
    previous = signal.signal(signal.SIGALRM, overdue)
    signal.alarm(SECONDS_PER_FILE)
    try:
        result = read(path)
        if getattr(result, "edge_index", None) is not None:
            check_graph("fuzz", result, require_features=False)
        return True
    except (ValueError, OSError) as refusal:
        assert str(refusal).startswith(("load: ", "fuzz: ")), repr(refusal)
        assert "\n" not in str(refusal) and len(str(refusal)) < 2000, repr(refusal)
        return False
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def fuzz(kind, count, folder):
    ending, contents, read = loaders()[kind]
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
        outcomes.append(read_or_refuse(path, read))

    run()
    return outcomes


KIND_NAMES = ["npz", "npy", "labels", "edge list", "graphml", "processed copy"]


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_some_files(kind, tmp_path, sentinel):
    outcomes = fuzz(kind, 150, tmp_path)
    assert len(outcomes) >= 100
    assert any(outcomes), "no mutated file was still readable: the mutations are too coarse"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KIND_NAMES)
def test_twenty_thousand_files(kind, tmp_path, sentinel):
    outcomes = fuzz(kind, 20_500, tmp_path)
    assert len(outcomes) >= 20_000


def test_the_unmutated_files_are_read(tmp_path, sentinel):
    for ending, content in {
        ".npz": archive(members(ARRAYS)),
        ".csv": edge_list().encode(),
        ".graphml": graphml(),
    }.items():
        (tmp_path / f"graph{ending}").write_bytes(content)
        data = load(tmp_path / f"graph{ending}", require_features=False, log=None)
        assert torch.equal(data.edge_index, GRAPH.edge_index)


def test_the_payload_works_where_it_is_obeyed(tmp_path, monkeypatch):
    monkeypatch.setattr(Payload, "folder", str(tmp_path / "executed"))
    pickle.loads(pickle.dumps(Payload()))
    assert (tmp_path / "executed").exists()


def test_a_hang_and_a_stray_error_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "SECONDS_PER_FILE", 1)

    def hang(path):
        while True:
            pass

    with pytest.raises(AssertionError, match="took more than"):
        read_or_refuse(tmp_path, hang)
    with pytest.raises(AssertionError):
        read_or_refuse(tmp_path, lambda path: int("x"))
    with pytest.raises(KeyError):
        read_or_refuse(tmp_path, lambda path: {}["x"])
