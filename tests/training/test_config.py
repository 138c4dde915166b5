import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from gclkit.training import build_method, list_methods, list_recipes, read_config, resolve_config
from gclkit.training.config import method_class, model_options
from gclkit.training.run_settings import RunSettings
from gclkit.training.training_settings import TrainingSettings

RESULTS = Path(__file__).parents[2] / "examples" / "results"


def test_defaults_then_recipe_then_caller():
    config = resolve_config("CSGCL", "photo")
    assert config.method == "csgcl" and config.source == "ours"
    assert config.training["max_grad_norm"] is None and config.training["weight_decay"] == 1e-5
    assert config.training["lr"] == 0.01 and config.model["temperature"] == 0.3
    mine = resolve_config("csgcl", "photo", model={"temperature": 0.6}, training={"lr": 0.02})
    assert mine.training["lr"] == 0.02 and mine.model["temperature"] == 0.6
    assert mine.model["edge_p"] == config.model["edge_p"]
    assert mine.training["epochs"] == config.training["epochs"]


def test_a_dataset_without_a_recipe_takes_the_default_of_the_method():
    assert resolve_config("grace", "my_graph.npz").model == resolve_config("grace", "x.csv").model


@pytest.mark.parametrize(("dataset", "method"), list_recipes())
def test_every_recipe_is_valid_and_builds(dataset, method):
    config = resolve_config(method, dataset)
    assert config.source in ("authors", "ours")
    assert set(config.model) <= model_options(method_class(config.method)).keys()
    for width in ("out_channels", "projection_channels", "hidden_channels"):
        if width in config.model:
            config.model[width] = 4
    build_method(config, 5)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError) as error:
        resolve_config("simclr", "cora")
    assert str(error.value) == (
        f"method_class: 'method' must be one of {sorted(list_methods())} (got 'simclr')"
    )
    with pytest.raises(ValueError, match=r"^recipe cora/grace: 'model' must be one of .*'tau'\)$"):
        resolve_config("grace", "cora", model={"tau": 0.4})
    with pytest.raises(ValueError, match=r"^recipe cora/grace: 'training' must be one of "):
        resolve_config("grace", "cora", training={"learning_rate": 0.4})


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_a_switch_is_true_or_false(value):
    assert resolve_config("grace", "photo", model={"ego": False}).model["ego"] is False
    with pytest.raises(ValueError) as error:
        resolve_config("grace", "photo", model={"ego": value})
    assert str(error.value) == f"recipe photo/grace: 'ego' must be true or false (got {value!r})"


def test_options_are_the_arguments_of_a_method_its_bases_and_its_encoder():
    options = model_options(method_class("grace"))
    assert options["ego"] is bool and options["symmetric"] is bool and options["num_layers"] is int
    assert {"edge_drop", "temperature", "out_channels", "topic_neighbors", "conv"} <= set(options)
    assert "ego" not in model_options(method_class("mvgrl"))
    assert "in_channels" not in options and "options" not in options


def test_builds_the_method():
    config = resolve_config("grace", "digits", model={"out_channels": 7})
    assert build_method(config, 5).encoder.out_channels == 7


def test_topics_may_lie_beside_any_method():
    for method in list_methods():
        config = resolve_config(method, "digits", model={"topic_neighbors": 6})
        assert build_method(config, 5).topic_neighbors == 6
    assert build_method(resolve_config("mvgrl", "digits"), 5).topic_neighbors is None
    with pytest.raises(ValueError, match=r"^DGI: 'topic_neighbors' must be an integer of at leas"):
        build_method(resolve_config("dgi", "digits", model={"topic_neighbors": "yes"}), 5)


def test_parameters_beyond_the_memory_are_refused_in_one_line():
    config = resolve_config("grace", "digits", model={"out_channels": 10**13})
    sentence = r"^grace: 'model' must be one whose parameters fit .*'out_channels': 10{13}"
    with pytest.raises(ValueError, match=sentence):
        build_method(config, 6)


def test_a_written_configuration_is_read_back(tmp_path):
    config = resolve_config("csgcl", "sbm")
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.to_dict()))
    assert read_config(path) == config
    path.write_text("method: csgcl\ndataset: sbm\n")
    assert read_config(path).training == asdict(TrainingSettings()), "as without a recipe"
    path.write_text(
        "method: csgcl\ndataset: sbm\ntraining: {lr: 1e-2}\nmodel: {edge_p: [1E-1, 0]}\n"
    )
    assert read_config(path).training["lr"] == 0.01
    assert read_config(path).model["edge_p"] == [0.1, 0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[1, 2]", "read_config: 'path' must be a configuration (got "),
        ("a: [", "read_config: 'path' must be a YAML file (got "),
        ("method: 3\ndataset: cora", "read_config: 'method' must be a name (got '3')"),
        (
            "embeddings: [z.npy]\ndataset: cora",
            "read_config: 'path' must be the configuration of a run of 'gclkit train' (got '",
        ),
        ("method: grace", "read_config: 'dataset' must be a name (got 'None')"),
        ("method: grace\ndataset: cora\nseed: 1", "must be one of ["),
        ("!!python/object/apply:os.mkdir [executed]", "read_config: 'path' must be a YAML file"),
        (
            "method: grace\ndataset: cora\nmodel: 3",
            "read_config: 'model' must be a mapping (got '3')",
        ),
        ("method: grace\ndataset: cora\nrun: {seedz: [3]}", "read_config: 'run' must be one of ["),
        (
            "method: grace\ndataset: cora\nrun: {seeds: 3}",
            "RunSettings: 'seeds' must be a list of one seed or more (got 3)",
        ),
    ],
)
def test_refuses_what_is_no_configuration(tmp_path, monkeypatch, text, sentence):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        read_config(path)
    assert [p.name for p in tmp_path.iterdir()] == ["config.yaml"]


@pytest.mark.parametrize("found", sorted(RESULTS.rglob("report.json")), ids=lambda p: p.parent.name)
def test_the_configurations_of_published_results_are_read(tmp_path, found):
    config = json.loads(found.read_text(encoding="utf-8"))["config"]
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    again = read_config(path).to_dict()
    assert {key: again["run"][key] for key in config["run"]} == config["run"]
    assert {**again, "run": config["run"]} == config


def test_a_variant_is_a_further_recipe_of_its_method():
    config = resolve_config("grace-pot", "cora")
    assert config.method == "grace"
    assert config.run == RunSettings(regularizer="pot", kappa=0.4, pot_mode="pairwise")
    assert config.model == resolve_config("grace-plain", "cora").model
    assert resolve_config("grace", "cora").run == RunSettings()


def test_refuses_a_variant_that_has_no_recipe():
    with pytest.raises(ValueError, match=r"resolve_config: 'method' must be one of .*'grace-pot'"):
        resolve_config("grace-pto", "cora")


def test_a_recipe_is_found_in_any_case():
    assert resolve_config("GRACE", "Cora") == resolve_config("grace", "cora")
    assert resolve_config("grace-topics", " CORA").model["topic_neighbors"] == 10
    assert resolve_config("grace", "My.npz").dataset == "My.npz"


@pytest.mark.parametrize("bracket", ["[", "{a: "])
def test_a_file_of_many_levels_is_refused(tmp_path, bracket):
    path = tmp_path / "config.yaml"
    path.write_text(2000 * bracket)
    with pytest.raises(ValueError) as error:
        read_config(path)
    assert str(error.value) == (
        f"read_config: 'path' must be a YAML file (got '{path}: more than 20 levels are not read')"
    )
