import pytest

from gclkit.reports.sections import (
    by_task,
    method_name,
    note_line,
    published_table,
    score_cards,
    task_tables,
)


def summary(mean, std=0.013, n=3):
    return {"mean": mean, "std": std, "n": n}


@pytest.fixture
def report():
    return {
        "method": "grace",
        "regularizer": "pot",
        "results": {
            "classification": {
                "accuracy": summary(0.812), "split": "random-10-10-80",
                "split_hash": "ab12", "protocol": "a probe",
            },
            "clustering": {"nmi": summary(0.44), "l2_normalized": {"nmi": summary(0.47)}},
            "link_prediction": {
                "auc": summary(0.93), "hard": {"auc": summary(0.71)},
                "by_decoder": {"dot": {"auc": summary(0.91)}},
                "split": "85-5-10", "split_hash": {"0": "c3", "1": "d4"},
            },
        },
        "baselines": {
            "raw_features": {"accuracy": summary(0.62), "clustering": {"nmi": summary(0.31)}},
            "untrained_encoder": {"link_prediction": {"auc": summary(0.83)}},
        },
        "timing": {"seconds_per_epoch": 0.0421, "total_s": 1234.0},
    }  # fmt: skip


def test_a_control_has_its_scores_at_the_top_or_by_task(report):
    flat = report["baselines"]["raw_features"]
    assert by_task(flat, "classification")["accuracy"] == summary(0.62)
    assert by_task({"classification": {"accuracy": 5}}, "classification") == {"accuracy": 5}
    assert by_task(flat, "clustering") == {"nmi": summary(0.31)}
    assert by_task(flat, "link_prediction") == {}


def test_one_table_per_task_with_controls_and_variants(report):
    tables = {title: (table.to_markdown(), note) for title, table, note in task_tables(report)}
    assert list(tables) == ["Node classification", "Clustering", "Link prediction"]
    text, note = tables["Node classification"]
    assert "grace + pot" in text and "raw features" in text and "untrained" not in text
    assert note == (
        "Mean ± standard deviation over n = 3; split random-10-10-80 (hash ab12); a probe. "
        "Shares in percent."
    )
    assert "unit rows" in tables["Clustering"][0] and "raw features" in tables["Clustering"][0]
    text, note = tables["Link prediction"]
    assert "two-hop negatives" in text and "decoder dot" in text and "untrained encoder" in text
    assert "(hash c3, d4)" in note


def test_each_line_that_has_another_n_is_named_with_it(report):
    report["baselines"]["raw_features"] = {"accuracy": summary(0.62, n=7)}
    report["baselines"]["untrained_encoder"] = {"accuracy": summary(0.7)}
    note = task_tables(report)[0][2]
    assert note.startswith("Mean ± standard deviation over n = 3 (raw features: 7); split random")


def test_cards_show_the_headline_of_each_task_and_the_speed(report):
    cards = score_cards(report)
    total = "1,234 s in all without this page"
    for part in ("81.20", "± 1.30", "raw features 62.0", "44.00", "93.00", "0.0421", total):
        assert part in cards, part
    assert score_cards({"results": {}}) == ""


def test_the_name_of_a_method_holds_its_regularizer(report):
    assert method_name(report) == "grace + pot"
    assert method_name({"method": "dgi", "regularizer": None}) == "dgi"
    assert method_name({}) == "embeddings"


def test_texts_are_escaped():
    assert note_line("a < b") == '<p class="note">a &lt; b</p>'
    table = published_table({"accuracy": {"value": 0.9332, "source": "<i>paper</i>"}})
    assert "93.32" in table and "&lt;i&gt;paper" in table
