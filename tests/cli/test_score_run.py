import time

import pytest
import torch

from gclkit.cli.score_run import score_run
from gclkit.evaluators import EdgeSplit
from gclkit.graphs import load
from gclkit.reports import RunFolder
from gclkit.training import RunConfig, TrainingInterrupted
from gclkit.training.run_settings import RunSettings


def score(tmp_path, tasks, *, deadline=None, **run):
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
        options = {"log": print, "progress": False, "deadline": deadline}
        return score_run(config, folder, graph, embeddings, **options)


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
    assert results["link_prediction"]["protocol"].startswith("trained on the training edges only;")
    assert (tmp_path / "run" / "seed-7" / "link_prediction" / "edge_split.npz").exists()


def test_a_deadline_stops_the_training_of_link_prediction_too(tmp_path):
    with pytest.raises(TrainingInterrupted, match=r"^stopped after epoch 1"):
        score(tmp_path, ["link_prediction"], deadline=time.monotonic())


def test_nothing_that_is_scored_on_held_out_edges_has_seen_one(tmp_path, monkeypatch):
    seen = []

    def train_seed(config, path, graph, seed, **options):
        seen.append((seed, graph))
        path.mkdir(parents=True)
        return graph.x + 1, []

    def control_embeddings(name, config, graph, seed):
        seen.append((seed, graph))
        return graph.x

    monkeypatch.setattr("gclkit.cli.score_run.train_seed", train_seed)
    monkeypatch.setattr("gclkit.cli.score_run.control_embeddings", control_embeddings)
    controls = ["raw_features", "untrained_encoder"]
    results, _ = score(tmp_path, ["link_prediction"], controls=controls)
    assert [seed for seed, _ in seen] == [4, 4, 4, 7, 7, 7]  # The method and two controls each.
    for seed, graph in seen:
        path = tmp_path / "run" / f"seed-{seed}" / "link_prediction" / "edge_split.npz"
        split = EdgeSplit.load(path)
        assert results["link_prediction"]["split_hash"][str(seed)] == split.hash
        held = torch.cat([split.val, split.test], dim=1)
        codes = graph.edge_index[0] * split.num_nodes + graph.edge_index[1]
        for source, target in (held, held.flip(0)):
            assert not torch.isin(source * split.num_nodes + target, codes).any()
        assert graph.num_edges == 2 * split.train.size(1) and graph.get("y") is None
    assert len(set(results["link_prediction"]["split_hash"].values())) == 2  # One split per seed.


def test_the_papers_probe_reads_the_same_splits(tmp_path, monkeypatch):
    from gclkit.evaluators import AdamProbe

    monkeypatch.setattr("gclkit.cli.score_run.AdamProbe", lambda: AdamProbe(steps=20))
    results, _ = score(tmp_path, ["classification"], papers_probe=True, controls=["raw_features"])
    section = results["classification"]
    assert section["papers_probe"]["split_hash"] == section["split_hash"]
    assert torch.tensor(section["papers_probe"]["confusion"]).sum() > 0
