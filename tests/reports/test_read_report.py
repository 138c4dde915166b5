import pytest

from gclkit.reports import read_report, write_report


def test_reads_run_folders_and_refuses_others(tmp_path):
    write_report(tmp_path / "run", {"results": {}})
    assert read_report(tmp_path / "run")["schema"] == 1
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text("[]")
    (tmp_path / "c.json").write_text('{"schema": 9, "results": {}}')
    (tmp_path / "d.json").write_text('{"results": {"classification": 3}}')
    (tmp_path / "e.json").write_text('{"results": {}, "timing": []}')
    (tmp_path / "f.json").write_text('{"results": {}, "baselines": {"x": "y"}}')
    for name, message in (
        ("a.json", f"read_report: 'path' must be a report.json (got {str(tmp_path / 'a.json')!r})"),
        (
            "b.json",
            f"read_report: 'path' must be a report.json with 'results' "
            f"(got {str(tmp_path / 'b.json')!r})",
        ),
        ("c.json", "read_report: 'schema' must be 1 (got 9)"),
        ("d.json", "read_report: 'results.classification' must be a section of a report (got 3)"),
        ("e.json", "read_report: 'timing' must be a section of a report (got [])"),
        ("f.json", "read_report: 'baselines.x' must be a section of a report (got 'y')"),
    ):
        with pytest.raises(ValueError) as error:
            read_report(tmp_path / name)
        assert str(error.value) == message
    with pytest.raises(OSError):
        read_report(tmp_path)
