from torch_geometric import datasets

from gclkit.graphs import list_datasets
from gclkit.graphs.datasets import DATASETS


def test_the_embedded_graphs_come_first():
    names = list_datasets()
    assert names[:2] == ["digits", "sbm"] and set(names) == set(DATASETS)
    assert all(DATASETS[name].files for name in names[2:])


def test_the_table_names_the_files_that_pyg_looks_for():
    for name, info in DATASETS.items():
        if info.origin in ("embedded", "Open Graph Benchmark"):
            continue
        dataset = object.__new__(getattr(datasets, info.origin))
        dataset.root, dataset.name, dataset.split = "root", info.folder, "public"
        if info.origin == "WikiCS":
            dataset.root = "root/WikiCS"
        if info.origin == "Amazon":
            dataset.name = name
        expected = [f"root/{info.folder}/{file}" for file in info.files]
        assert dataset.raw_paths == expected, name


def test_features_are_normalised_as_in_the_papers():
    raw = {name for name, info in DATASETS.items() if not info.normalize}
    assert raw == {"blogcatalog", "digits", "flickr", "ogbn-arxiv", "sbm", "wikics"}
