import pytest

from gclkit.cli.main import main
from gclkit.communities import detect
from gclkit.graphs import load


def test_prints_communities_by_strength(capsys):
    assert main(["communities", "sbm", "--seed", "1", "--top", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    part = detect(load("sbm", log=None), seed=1)
    assert lines[0].startswith(
        f"{part.num_communities} communities, modularity {part.modularity:.4f}, "
    )
    strengths = [float(line.split()[2]) for line in lines[2:5]]
    assert strengths == sorted(strengths, reverse=True)
    rest = float(lines[5].split("of strength ")[1].split()[0])
    assert sum(strengths) + rest == pytest.approx(part.modularity, abs=1e-4)


def test_bad_input_is_one_line(capsys):
    assert main(["communities", "sbm", "--algorithm", "spectral"]) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith("gclkit: detect: 'algorithm' must be one of [")
    assert main(["communities", "sbm", "--top", "0"]) == 2
    assert (
        main(["communities", "sbm", "--algorithm", "label_propagation", "--resolution", "5"]) == 2
    )
    err = capsys.readouterr().err.splitlines()[-1]
    assert "communities: 'resolution' must be left out of label propagation (got 5.0)" in err
