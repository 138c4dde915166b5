import pytest

from gclkit.reports import read_report, write_report


def test_reads_run_folders_and_refuses_others(tmp_path):
    write_report(tmp_path / "run", {"results": {}})
    assert read_report(tmp_path / "run")["schema"] == 1
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text("[]")
    (tmp_path / "c.json").write_text('{"schema": 9, "results": {}}')
    for name, message in (
        ("a.json", f"read_report: 'path' must be a report.json (got {str(tmp_path / 'a.json')!r})"),
        (
            "b.json",
            f"read_report: 'path' must be a report.json with 'results' "
            f"(got {str(tmp_path / 'b.json')!r})",
        ),
        ("c.json", "read_report: 'schema' must be 1 (got 9)"),
    ):
        with pytest.raises(ValueError) as error:
            read_report(tmp_path / name)
        assert str(error.value) == message
    with pytest.raises(OSError):
        read_report(tmp_path)
