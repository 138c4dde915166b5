import json
import os
import re
import shutil
import struct
import subprocess
import zlib

import matplotlib
import numpy as np
import pytest

from gclkit.reports import write_report


def summary(mean, std=0.01, n=3):
    return {
        "mean": mean, "std": std, "n": n, "interval": [mean - 0.01, mean + 0.01],
        "values": [{"seed": i, "split": 0, "value": mean} for i in range(n)],
    }  # fmt: skip


def make_report(classes=8):
    draw = np.random.default_rng(0)
    return {
        "status": "complete",
        "method": "csgcl",
        "regularizer": None,
        "dataset": {"name": "photo <b>&", "nodes": 400, "edges": 1200, "hash": "abc"},
        "config": {"lr": 0.01},
        "seeds": [0, 1],
        "results": {
            "classification": {
                "accuracy": summary(0.9323), "macro_f1": summary(0.91),
                "split": "random-10-10-80", "split_hash": "0123456789abcdef",
                "protocol": "logistic regression",
                "confusion": draw.integers(0, 50, (classes,) * 2),
                "few_labels": {"1": summary(0.5), "5": summary(0.8)},
            },
            "clustering": {"nmi": summary(0.65), "l2_normalized": {"nmi": summary(0.7)}},
            "link_prediction": {
                "auc": summary(0.957), "hard": {"auc": summary(0.8)},
                "by_decoder": {"dot": {"auc": summary(0.9)}},
                "split": "85-5-10", "split_hash": {"0": "feedfeedfeedfeed"},
            },
        },
        "baselines": {
            "raw_features": {"accuracy": summary(0.79)},
            "untrained_encoder": {"classification": {"accuracy": summary(0.85)}},
        },
        "published": {"accuracy": {"value": 0.9332, "source": "the authors' README"}},
        "timing": {"seconds_per_epoch": 0.4, "total_s": 100.0},
        "environment": {"torch": "2"},
        "diagnostics": {
            "uniformity": -2.0, "effective_rank": 12.0, "spectrum": [3.0, 1.0, 0.2],
            "similarity": {"edges": [-1, 0, 1], "positive": [1, 9], "negative": [8, 2]},
            "accuracy_by": {
                "degree": {"labels": ["1", "2"], "values": [0.5, None], "sizes": [4, 0]}
            },
        },
    }  # fmt: skip


def make_run(folder, classes=8, nodes=400):
    draw = np.random.default_rng(1)
    y = np.arange(nodes) % classes
    z = draw.normal(size=(classes, 16))[y] + 0.4 * draw.normal(size=(nodes, 16))
    rows = [
        {
            "epoch": e, "loss": 9 - e / 30, "val_accuracy": 0.5 + e / 100,
            "alignment": 1 / e, "uniformity": -e / 9,
        }
        for e in range(1, 30)
    ]  # fmt: skip
    return write_report(
        folder, make_report(classes), history={0: rows, 1: rows}, z=z, y=y,
        community=y * 3 % 50, projections=("pca",), map_nodes=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run")).parent


def test_every_file_is_there(run):
    assert {entry.name for entry in run.iterdir()} == {
        "report.json", "report.html", "tables.md", "tables.tex", "plots",
    }  # fmt: skip
    names = {entry.stem for entry in (run / "plots").iterdir()}
    assert names == {
        "loss", "val_accuracy", "alignment_uniformity", "confusion", "few_labels", "similarity",
        "spectrum", "accuracy_by_degree", "map_pca_class", "map_pca_community",
    }  # fmt: skip


def test_the_report_is_what_was_given(run):
    report = json.loads((run / "report.json").read_text())
    assert report["schema"] == 1
    assert report["results"]["classification"]["accuracy"] == summary(0.9323)
    assert np.array(report["results"]["classification"]["confusion"]).shape == (8, 8)


def test_the_page_asks_for_nothing(run):
    page = (run / "report.html").read_text()
    assert len(page) < 5_000_000
    assert "<script" not in page and "default-src 'none'" in page
    linked = re.findall(r'(?:src|href|url)\s*[=(]\s*["\']?([^"\')\s>]+)', page)
    assert linked and all(target.startswith(("data:", "#")) for target in linked)
    identifiers = re.findall(r' id="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))


def test_the_page_names_split_protocol_controls_and_published_figure(run):
    page = (run / "report.html").read_text()
    for part in (
        "csgcl on photo &lt;b&gt;&amp;", "93.23 ± 1.00", "random-10-10-80", "0123456789abcdef",
        "logistic regression", "raw features", "79.00 ± 1.00", "untrained encoder", "93.32",
        "csgcl, unit rows", "csgcl, two-hop negatives", "csgcl, decoder dot", "feedfeedfeedfeed",
        "the authors&#x27; README", "300 of 400 nodes",
        "400 nodes · 1,200 edges · seeds 0, 1 · complete",
    ):  # fmt: skip
        assert part in page, part
    assert "| csgcl | 93.23 ± 1.00 | 91.00 ± 1.00 |" in (run / "tables.md").read_text()
    assert r"93.23 $\pm$ 1.00" in (run / "tables.tex").read_text()


def test_a_bare_report_leaves_no_trace_of_what_is_absent(tmp_path):
    page = write_report(tmp_path / "new", {"results": {}}).read_text()
    assert "Maps" not in page and "Training" not in page and "Published" not in page
    assert json.loads((tmp_path / "new" / "report.json").read_text()) == {
        "schema": 1,
        "results": {},
    }


def test_leaves_matplotlib_as_it_was(tmp_path):
    before = dict(matplotlib.rcParams)
    make_run(tmp_path)
    assert dict(matplotlib.rcParams) == before


def test_bad_input_writes_nothing(tmp_path):
    for report, arrays, message in (
        ([], {}, "write_report: 'report' must be a dict with a dict 'results' (got 'list')"),
        (
            {"results": {"classification": {"accuracy": {"mean": float("nan")}}}},
            {},
            "to_json: 'report.results.classification.accuracy.mean' must be finite (got nan)",
        ),
        (
            {"results": {}},
            {"z": np.ones((5, 2)), "y": np.ones(4)},
            "write_report: 'class' must be one number per row of 'z', (5,) (got (4,))",
        ),
    ):
        with pytest.raises(ValueError) as error:
            write_report(tmp_path / "run", report, **arrays)
        assert str(error.value) == message
        assert not (tmp_path / "run").exists()


def read_png(path):
    """Pixels [height, width, 3] of an 8-bit PNG without interlacing, by the definition."""
    content, at, stream = path.read_bytes(), 8, b""
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, _, color = struct.unpack(">IIBB", body[:10])
        stream += body if kind == b"IDAT" else b""
        at += 12 + length
    channels = {2: 3, 6: 4}[color]
    rows = np.frombuffer(zlib.decompress(stream), np.uint8).reshape(height, 1 + width * channels)
    pixels = np.zeros((height, width * channels), np.uint8)
    for i, (kind, row) in enumerate(zip(rows[:, 0], rows[:, 1:].astype(int), strict=True)):
        above = pixels[i - 1].astype(int) if i else np.zeros_like(row)
        if kind in (0, 2):
            pixels[i] = (row + (above if kind == 2 else 0)) % 256
            continue
        out = np.zeros_like(row)
        for j in range(len(row)):
            left = out[j - channels] if j >= channels else 0
            corner = above[j - channels] if j >= channels else 0
            guess = {1: left, 3: (left + above[j]) // 2}.get(int(kind))
            if guess is None:
                estimate = left + above[j] - corner
                guess = min((left, above[j], corner), key=lambda p: abs(estimate - p))
            out[j] = (row[j] + guess) % 256
        pixels[i] = out
    return pixels.reshape(height, width, channels)[..., :3]


BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("classes", [2, 40])
@pytest.mark.parametrize("width", [500, 1280])
def test_a_browser_shows_it_without_complaint(tmp_path, classes, width):
    page = make_run(tmp_path / "run", classes)
    for scheme, code in (("dark", 0), ("light", 1)):
        shot = tmp_path / f"{scheme}.png"
        done = subprocess.run(
            [
                BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-background-networking", "--enable-logging=stderr", "--hide-scrollbars",
                f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900",
                f"--blink-settings=preferredColorScheme={code}", f"--screenshot={shot}",
                page.as_uri(),
            ],
            capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": str(tmp_path)},
        )  # fmt: skip
        assert "CONSOLE" not in done.stderr, done.stderr
        pixels = read_png(shot).astype(int)
        assert pixels.shape == (900, width, 3)
        corner = pixels[2, 2].mean()  # The ground of the page.
        assert corner < 60 if scheme == "dark" else corner > 200
        assert pixels.std() > 5  # Something is drawn on it.
