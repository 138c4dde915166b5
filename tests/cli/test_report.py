import json

import pytest

from gclkit.cli.main import main
from gclkit.evaluators import summarize
from gclkit.reports import write_report


def make_run(folder, name, shift):
    values = [
        {"seed": s, "split": 0, "value": 0.7 + 0.05 * s + shift + 0.001 * (s % 2)} for s in range(5)
    ]
    section = {"accuracy": summarize(values), "split": "public", "split_hash": "a", "protocol": "p"}
    report = {"method": name, "dataset": {"name": "cora"}, "results": {"classification": section}}
    write_report(folder / name, report)
    return str(folder / name)


def test_one_table_and_one_page(tmp_path, capsys):
    runs = [make_run(tmp_path, "grace", 0.0), make_run(tmp_path, "csgcl", 0.01)]
    assert main(["report", *runs, "--out", str(tmp_path / "all")]) == 0
    out = capsys.readouterr().out
    assert "| csgcl | **81.04 ± 7.91** |" in out and "| grace | 80.04 ± 7.91 |" in out
    assert (tmp_path / "all" / "report.html").is_file()
    assert json.loads((tmp_path / "all" / "comparison.json").read_text())["runs"] == {
        "grace": "grace", "csgcl": "csgcl",
    }  # fmt: skip
    assert main(["report", *runs, "--out", str(tmp_path / "all")]) == 2
    assert "'out' must be a new folder" in capsys.readouterr().err
    assert main(["report", *runs, "--out", str(tmp_path / "all"), "--force"]) == 0


def test_bad_input_is_one_line(tmp_path, capsys):
    run = make_run(tmp_path, "grace", 0.0)
    (tmp_path / "empty").mkdir()
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "config.yaml").write_text("method: grace")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "report.json").write_text("{")
    for runs, part in (
        ([str(tmp_path / "empty")], "report: 'runs' must be run folders (got "),
        ([run, str(tmp_path / "half")], "'runs' must be complete runs; resume this one or leave"),
        ([str(tmp_path / "bad")], "'path' must be a report.json"),
        ([run, run], "'runs' must be different folders"),
        ([run, str(tmp_path / "missing")], "missing"),
    ):
        assert main(["report", *runs, "--out", str(tmp_path / "out")]) == 2
        err = capsys.readouterr().err
        assert part in err and err.count("\n") == 1
        assert not (tmp_path / "out").exists()


def test_no_other_folder_is_replaced(tmp_path, capsys):
    run = make_run(tmp_path, "grace", 0.0)
    with pytest.raises(SystemExit):
        main(["report"])
    assert main(["report", run, "--out", run, "--force"]) == 2
    assert "--force replaces a comparison, nothing else" in capsys.readouterr().err
