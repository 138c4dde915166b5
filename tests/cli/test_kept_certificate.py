import pytest

from gclkit.cli.kept_certificate import checkpoint_hash, kept_certificate
from gclkit.reports import RunFolder, write_report


@pytest.fixture
def folder(tmp_path):
    """A certified run: of seed 3."""
    checkpoint = tmp_path / "seed-3" / "checkpoint.pt"
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"trained")
    certificate = {"seed": 3, "gap": 0.84, "checkpoint": checkpoint_hash(checkpoint)}
    write_report(tmp_path, {"method": "grace", "results": {}, "certificate": certificate})
    (tmp_path / "certificate.npz").write_bytes(b"arrays")
    (tmp_path / "plots" / "certificate_scatter.png").write_bytes(b"plot")
    return RunFolder(tmp_path)


def test_it_is_kept_while_its_checkpoint_is(folder):
    assert kept_certificate(folder, [1, 3])["gap"] == 0.84
    assert (folder.path / "certificate.npz").exists()


@pytest.mark.parametrize("change", ["trained again", "deleted", "other seeds", "damaged report"])
def test_else_it_goes_with_its_files(folder, change):
    checkpoint = folder.seed_folder(3) / "checkpoint.pt"
    if change == "trained again":
        checkpoint.write_bytes(b"trained again")
    if change == "deleted":
        checkpoint.unlink()
    if change == "damaged report":
        (folder.path / "report.json").write_text("{")
    assert kept_certificate(folder, [4] if change == "other seeds" else [3]) is None
    assert not (folder.path / "certificate.npz").exists()
    assert not list((folder.path / "plots").iterdir())


def test_a_run_that_was_never_certified_has_none(tmp_path):
    assert kept_certificate(RunFolder(tmp_path), [3]) is None
