import pytest

from gclkit.reports import Table, score_table
from gclkit.reports.tables import format_score, percent


def summary(mean, std=None):
    return {"mean": mean, "std": std, "n": 3}


def test_the_three_forms():
    table = Table(("", "a_b"), (("x & y", "1.0 ± 0.2"), ("<z|w>", "–")), frozenset({(0, 1)}))
    assert table.to_markdown() == (
        "|  | a_b |\n| --- | ---: |\n| x & y | **1.0 ± 0.2** |\n| <z\\|w> | – |\n"
    )
    assert table.to_latex() == (
        "\\begin{tabular}{lr}\n\\toprule\n & a\\_b \\\\\n\\midrule\n"
        "x \\& y & \\textbf{1.0 $\\pm$ 0.2} \\\\\n<z|w> & -- \\\\\n"
        "\\bottomrule\n\\end{tabular}\n"
    )
    html = table.to_html()
    assert '<th scope="row">&lt;z|w&gt;</th>' in html
    assert "<td><strong>1.0 ± 0.2</strong></td>" in html


def test_shares_are_in_percent_and_others_are_not():
    assert format_score("accuracy", summary(0.93321, 0.0021)) == "93.32 ± 0.21"
    assert format_score("accuracy", summary(0.5)) == "50.00"
    assert format_score("modularity", summary(0.73912, 0.01)) == "0.739 ± 0.010"
    assert format_score("ari", summary(-0.012, 0.1)) == "−1.20 ± 10.00"


def test_percent_names_the_deviation_where_there_is_one():
    assert percent(summary(0.93321, 0.0021)) == "93.32 ± 0.21"
    assert percent(summary(0.5)) == percent({"mean": 0.5}) == "50.00"


def test_columns_are_those_that_any_line_has():
    table = score_table(
        [
            ("a", {"accuracy": summary(0.5), "split": "x", "val_accuracy": summary(0.4)}),
            ("b", {"nmi": summary(0.25), "hard": {"auc": summary(0.9)}}),
        ]
    )
    assert table.head == ("", "accuracy", "NMI")
    assert table.rows == (("a", "50.00", "–"), ("b", "–", "25.00"))


def test_ragged_rows_are_refused():
    with pytest.raises(ValueError) as error:
        Table(("a", "b"), (("1",),))
    assert str(error.value) == "Table: 'rows' must be of 2 cells each (got ('1',))"
