import pytest
import torch

from gclkit.cli.experiment import fit_to_graph, run_experiment
from gclkit.cli.kept_certificate import checkpoint_hash
from gclkit.communities import detect
from gclkit.graphs import load
from gclkit.reports import RunFolder, write_report
from gclkit.training import RunConfig
from gclkit.training.run_settings import RunSettings


@pytest.fixture(autouse=True)
def small_graph(monkeypatch):
    small = load("sbm", num_nodes=90, num_communities=3, log=None)
    monkeypatch.setattr("gclkit.cli.run_graph.load", lambda *args, **options: small)


# The last is trained on the edges left for training.
SAID = [
    "detecting communities", "seed 3", "evaluating", "evaluating the control raw_features", "seed 3"
]  # fmt: skip


def run(
    tmp_path,
    *,
    method="grace",
    seeds=(3,),
    tasks=("classification", "link_prediction"),
    published=None,
    splits="auto",
    resume=False,
    **options,
):
    chosen = {
        "seeds": list(seeds),
        "tasks": list(tasks),
        "controls": ["raw_features"],
        "splits": splits,
        "num_splits": 2,
        "every": 5,
    }
    model = {"out_channels": 5, "projection_channels": 4}
    config = RunConfig(
        method,
        "sbm",
        model=model,
        training={"epochs": 2},
        run=RunSettings(**chosen),
        published=published or {},
    )
    said = []
    with RunFolder(tmp_path / "run", resume=resume) as folder:
        report = run_experiment(config, folder, log=said.append, progress=False, **options)
    return report, said, tmp_path / "run"


def test_a_report_says_what_was_run_on_what_and_how_well(tmp_path):
    report, said, folder = run(tmp_path)
    assert report["status"] == "complete" and report["seeds"] == [3]
    assert report["config"]["run"]["splits"] == "random"  # The graph has no public split.
    assert report["dataset"]["nodes"] > 0 and len(report["dataset"]["hash"]) > 8
    assert set(report["results"]) == {"classification", "link_prediction"}
    assert set(report["baselines"]) == {"raw_features"}
    assert said == SAID
    for name in ("config.yaml", "report.json", "report.html", "seed-3/embeddings.npy"):
        assert (folder / name).exists()


def test_a_published_figure_stands_beside_the_splits_that_it_is_of(tmp_path):
    published = {"accuracy": [0.9, 0.05]}
    report, _, _ = run(tmp_path / "usual", published=published)
    assert report["published"]["accuracy"]["value"] == 0.9
    report, _, _ = run(tmp_path / "other", published=published, splits="20-shot")
    assert "published" not in report


@pytest.mark.parametrize("splits", ["public", "redrawn", "31-shot", "nonsense"])
def test_splits_that_the_graph_does_not_have_are_refused_before_training(splits, tmp_path):
    with pytest.raises(ValueError, match=r"^(public_split: 'data'|k_shot_split|evaluate: 'splits)"):
        run(tmp_path, splits=splits)
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_repeated_keeps_its_certificate_and_time(tmp_path):
    first, _, folder = run(tmp_path)
    kept = checkpoint_hash(folder / "seed-3" / "checkpoint.pt")
    first["certificate"] = {"seed": 3, "gap": 0.84, "checkpoint": kept}
    first["timing"] |= {"total_s": 500.0, "peak_rss_mb": 1e9}
    write_report(folder, first)
    again, said, _ = run(tmp_path, resume=True)
    assert said == SAID and again["certificate"] == first["certificate"]
    assert 500 < again["timing"]["total_s"] < 560 and again["timing"]["peak_rss_mb"] == 1e9


def test_a_graph_with_one_mask_alone_is_split_at_random():
    data = load("sbm", num_nodes=90, num_communities=3, log=None)
    data.train_mask = torch.arange(90) < 30
    assert fit_to_graph(RunConfig("grace", "sbm"), data, print).run.splits == "random"
    data.val_mask = data.test_mask = data.train_mask
    assert fit_to_graph(RunConfig("grace", "sbm"), data, print).run.splits == "public"


def test_without_labels_the_edges_are_what_is_left_to_predict():
    data, said = load("sbm", num_nodes=90, log=None), []
    tasks = ["classification", "clustering", "link_prediction"]
    config = RunConfig("grace", "sbm", run=RunSettings(tasks=tasks))
    assert fit_to_graph(config, data, said.append).run.tasks == tasks and not said
    del data.y
    assert fit_to_graph(config, data, said.append).run.tasks == ["link_prediction"]
    assert said == ["no labels: classification and clustering are left out"]


def test_communities_are_detected_once_for_all_seeds_and_the_report(tmp_path, monkeypatch):
    table, calls = detect.__globals__["ALGORITHMS"], []
    leiden = table["leiden"]

    def counted(*args):
        calls.append(args)
        return leiden(*args)

    monkeypatch.setitem(table, "leiden", counted)
    run(tmp_path, method="csgcl", seeds=[3, 4], tasks=["classification"])
    assert len(calls) == 1
