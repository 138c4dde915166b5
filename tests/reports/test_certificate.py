import json

import numpy as np
import pytest

from gclkit.reports import write_report
from gclkit.reports.certificate import group_shares, write_certificate
from gclkit.reports.page import SLOT

SHARES = [{"group": "1", "nodes": 3, "certified_positive": 1 / 3}]
FIGURES = {
    "p": 0.2, "seed": 5, "whole_embedding": True, "certified_positive": 0.375,
    "found_positive": 0.625, "gap": 0.84, "realised_rate": 0.11, "reach_share": 0.75,
    "over_budget": float("nan"), "mean_norm": 2.5,
    "by_degree": SHARES, "by_community": SHARES,
}  # fmt: skip
ARRAYS = {
    "clean": np.array([0.9, 1.4, 0.7]), "bound": np.array([-0.2, 0.3, -0.4]),
    "sampled": np.array([0.5, 0.9, 0.2]), "searched": np.array([0.4, 1.1, 0.1]),
}  # fmt: skip


def test_a_section_is_added_and_replaced(tmp_path):
    write_report(tmp_path, {"method": "grace", "results": {}, "config": {"lr": 0.01}})
    for gap in (0.84, 0.56):
        write_certificate(tmp_path, {**FIGURES, "gap": gap}, ARRAYS)
        page = (tmp_path / "report.html").read_text()
        assert page.count("<h2>Certificate</h2>") == 1 and str(gap) in page
        assert page.index("<h2>Certificate</h2>") < page.index("<h2>How it was made</h2>")
    assert "0.84" not in page and "75.0 % of the nodes" in page and "<td>33.3</td>" in page
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["method"] == "grace" and report["config"] == {"lr": 0.01}
    assert report["certificate"]["gap"] == 0.56 and report["certificate"]["over_budget"] is None
    for name in ("certificate_histogram", "certificate_scatter"):
        assert (tmp_path / "plots" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_says_of_what_nothing_is_claimed(tmp_path):
    write_report(tmp_path, {"method": "grace", "results": {}})
    for whole in (True, False):
        changed = {"whole_embedding": whole, "over_budget": 0.075}
        write_certificate(tmp_path, {**FIGURES, **changed}, ARRAYS)
        page = (tmp_path / "report.html").read_text()
        assert "one coin per edge at this rate puts 7.5 % over their budget" in page
        assert "as practically every view of EdgeDrop does unless it is symmetric" in page
        assert ("Of the embedding, the encoder's output alone." in page) != whole


def test_a_page_without_the_place_for_it_takes_it_at_its_end(tmp_path):
    write_report(tmp_path, {"method": "grace", "results": {}})
    path = tmp_path / "report.html"
    assert path.read_text().count(SLOT) == 1
    path.write_text(path.read_text().replace(SLOT, ""))
    for _ in range(2):
        write_certificate(tmp_path, FIGURES, ARRAYS)
        page = path.read_text()
        assert page.count("<h2>Certificate</h2>") == 1
        assert page.index("<h2>Certificate</h2>") > page.index("<h2>How it was made</h2>")


def test_a_report_that_keeps_its_certificate_keeps_the_section(tmp_path):
    write_report(tmp_path, {"method": "grace", "results": {}})
    write_certificate(tmp_path, FIGURES, ARRAYS)
    report = json.loads((tmp_path / "report.json").read_text())
    write_report(tmp_path, {**report, "method": "csgcl"})
    page = (tmp_path / "report.html").read_text()
    assert page.count("<h2>Certificate</h2>") == 1 and "75.0 % of the nodes" in page
    assert "csgcl" in page and "grace" not in page
    assert json.loads((tmp_path / "report.json").read_text())["certificate"]["gap"] == 0.84
    del report["certificate"]
    write_report(tmp_path, report)
    assert "<h2>Certificate</h2>" not in (tmp_path / "report.html").read_text()


def test_a_folder_without_a_report_is_refused(tmp_path):
    with pytest.raises(OSError, match=r"report\.json"):
        write_certificate(tmp_path, FIGURES, ARRAYS)
    assert not list(tmp_path.iterdir())


def test_groups():
    rows = group_shares(np.array([1, 2, 3, 4, 9]), np.array([1.0, -1, 1, 1, -1]), logarithmic=True)
    assert [(r["group"], r["nodes"], r["certified_positive"]) for r in rows] == [
        ("1", 1, 1.0),
        ("2-3", 2, 0.5),
        ("4-7", 1, 1.0),
        ("8-15", 1, 0.0),
    ]
    many = group_shares(np.array([0, 0, 1, 2, 2]), np.ones(5), largest=2)
    assert [row["group"] for row in many] == ["0", "2"]
