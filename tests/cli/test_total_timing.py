import json
import time

import pytest

from gclkit.cli.total_timing import total_timing
from gclkit.reports import RunFolder, write_report


def test_times_add_up_and_the_largest_peak_stays(tmp_path):
    timing = {"total_s": 50.0, "peak_rss_mb": 1e9}
    write_report(tmp_path, {"method": "grace", "results": {}, "timing": timing})
    with total_timing(RunFolder(tmp_path), time.perf_counter() - 7.0) as total:
        assert total()["total_s"] == pytest.approx(57.0, abs=0.5)
        assert total()["peak_rss_mb"] == 1e9


def test_an_interrupted_process_counts(tmp_path):
    folder = RunFolder(tmp_path)
    with pytest.raises(KeyboardInterrupt), total_timing(folder, time.perf_counter()):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())  # Nothing was trained.
    checkpoint = folder.seed_folder(3) / "checkpoint.pt"
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"half-trained")
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), total_timing(folder, time.perf_counter() - 7.0):
            raise KeyboardInterrupt
    assert json.loads((tmp_path / "timing.json").read_text())["peak_rss_mb"] > 10
    with total_timing(folder, time.perf_counter() - 7.0) as total:
        assert total()["total_s"] == pytest.approx(21.0, abs=0.5)
    assert not (tmp_path / "timing.json").exists()
    with total_timing(folder, time.perf_counter() - 7.0) as total:
        assert total()["total_s"] == pytest.approx(7.0, abs=0.5)


@pytest.mark.parametrize("text", ["{", "[3]", '{"timing": null}', '{"timing": {"total_s": NaN}}'])
def test_a_damaged_report_counts_nothing(tmp_path, text):
    (tmp_path / "report.json").write_text(text)
    with total_timing(RunFolder(tmp_path), time.perf_counter() - 7.0) as total:
        assert total()["total_s"] == pytest.approx(7.0, abs=0.5)


def test_a_damaged_sum_counts_nothing(tmp_path):
    (tmp_path / "timing.json").write_text('{"total_s": null, "peak_rss_mb": "much"}')
    with total_timing(RunFolder(tmp_path), time.perf_counter() - 7.0) as total:
        assert total()["total_s"] == pytest.approx(7.0, abs=0.5)
