import os
import subprocess
import sys
import time

import pytest

import gclkit
from gclkit.cli.main import COMMANDS, build_parser, main


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "gclkit", *arguments], capture_output=True, text=True, **options
    )


def test_version_and_help(capsys):
    for flag, text in (("--version", gclkit.__version__), ("--help", "example: gclkit train")):
        with pytest.raises(SystemExit) as stop:
            main([flag])
        assert stop.value.code == 0 and text in capsys.readouterr().out


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_verb_explains_itself_with_an_example(verb, capsys):
    with pytest.raises(SystemExit) as stop:
        main([verb, "--help"])
    assert stop.value.code == 0
    assert f"example: gclkit {verb}" in " ".join(capsys.readouterr().out.split())


def test_every_option_is_explained():
    (verbs,) = (action for action in build_parser()._actions if action.dest == "verb")
    for verb, parser in verbs.choices.items():
        silent = [action.dest for action in parser._actions if not action.help]
        assert not silent, f"{verb}: {silent}"


def test_help_does_not_load_pytorch():
    code = (
        "import sys; from gclkit.cli.main import build_parser; build_parser().format_help();"
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    start = time.perf_counter()
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    assert time.perf_counter() - start < 5, "0.5 s on a quiet machine"


def test_bad_input_is_one_line_and_status_2():
    out = run("communities", "nowhere.npz")
    assert out.returncode == 2 and out.stdout == ""
    assert out.stderr.startswith("gclkit: ") and out.stderr.count("\n") == 1
    assert "nowhere.npz" in out.stderr


def test_a_reader_that_leaves_ends_it_without_a_word():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "gclkit", "datasets"]
    out = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (out.returncode, out.stderr) == (141, "")


def test_an_unknown_verb_lists_the_known_ones(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["trian"])
    assert stop.value.code == 2
    assert "train" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (["train", "--regularizer", "foo"], "gclkit train: argument --regularizer: invalid choice"),
        (["certify", "run", "--tightness", "x"], "gclkit certify: argument --tightness: invalid"),
        (["embed", "run"], "gclkit embed: the following arguments are required: --out"),
        (["train", "--epoch", "3"], "gclkit: unrecognized arguments: --epoch 3"),
        (["env", "--epochs", "3"], "gclkit: unrecognized arguments: --epochs 3"),
    ],
)
def test_what_the_parser_refuses_is_one_line_too(words, start, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    err = capsys.readouterr().err
    assert stop.value.code == 2 and err.startswith(start) and err.count("\n") == 1
