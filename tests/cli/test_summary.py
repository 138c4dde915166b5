from gclkit.cli.summary import print_summary


def score(mean, std=None):
    return {"mean": mean, "std": std}


def test_prints_controls_method_and_published_figure(capsys):
    report = {
        "method": "grace",
        "dataset": {"name": "cora"},
        "results": {
            "classification": {"split": "public", "accuracy": score(0.8123, 0.0045)},
            "clustering": {"nmi": score(0.55)},
        },
        "baselines": {"raw_features": {"classification": {"accuracy": score(0.5512)}}},
        "published": {"accuracy": {"value": 0.819, "source": "paper"}},
        "timing": {"seconds_per_epoch": 0.25, "total_s": 61.0, "peak_rss_mb": 812.4},
    }
    print_summary(report)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "cora, classification public"
    assert lines[3].split() == ["raw", "features", "55.12"]
    assert lines[4].split() == ["grace", "81.23", "±", "0.45"]
    assert lines[5].split() == ["published", "81.90"]
    assert sum(line.startswith("published") for line in lines) == 1  # Of the classes alone.
    assert "cora, clustering" in lines and "55.00" in "".join(lines)
    assert lines[-1] == "0.250 s per epoch, 61.0 s in all without the report, 812 MB at most"
