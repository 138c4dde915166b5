import torch

from gclkit.cli.score_run import score_run
from gclkit.graphs import load
from gclkit.reports import RunFolder
from gclkit.training import RunConfig
from gclkit.training.run_settings import RunSettings


def score(tmp_path, tasks, **run):
    graph = load("sbm", num_nodes=90, num_communities=3, log=None)
    chosen = {"seeds": [4, 7], "tasks": tasks, "splits": "random", "num_splits": 2, "every": 5}
    config = RunConfig(
        "grace",
        "sbm",
        model={"out_channels": 5, "projection_channels": 4},
        training={"epochs": 2},
        run=RunSettings(**chosen, **run),
    )
    embeddings = {seed: graph.x + seed for seed in (4, 7)}
    with RunFolder(tmp_path / "run") as folder:
        return score_run(config, folder, graph, embeddings, log=print, progress=False)


def test_scores_the_run_and_its_controls_on_the_same_tasks(tmp_path):
    controls = ["raw_features", "untrained_encoder"]
    results, baselines = score(tmp_path, ["classification", "clustering"], controls=controls)
    assert set(results) == {"classification", "clustering"}
    assert results["classification"]["accuracy"]["n"] == 4  # Seeds times splits.
    assert set(baselines) == set(controls) and "papers_probe" not in results["classification"]
    assert all("nmi" in control["clustering"] for control in baselines.values())


def test_link_prediction_alone_trains_on_a_part_of_the_edges(tmp_path):
    results, baselines = score(tmp_path, ["link_prediction"], controls=["raw_features"])
    assert set(results) == {"link_prediction"} and set(baselines) == {"raw_features"}
    assert 0 <= results["link_prediction"]["auc"]["mean"] <= 1
    assert (tmp_path / "run" / "seed-7" / "link_prediction" / "edge_split.npz").exists()


def test_the_papers_probe_reads_the_same_splits(tmp_path, monkeypatch):
    from gclkit.evaluators import AdamProbe

    monkeypatch.setattr("gclkit.cli.score_run.AdamProbe", lambda: AdamProbe(steps=20))
    results, _ = score(tmp_path, ["classification"], papers_probe=True, controls=["raw_features"])
    section = results["classification"]
    assert section["papers_probe"]["split_hash"] == section["split_hash"]
    assert torch.tensor(section["papers_probe"]["confusion"]).sum() > 0
