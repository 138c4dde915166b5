from pathlib import Path

from gclkit.graphs.decoders import first_line


def test_the_first_line_of_an_error():
    assert first_line(Path("a.npz"), ValueError("one\ntwo")) == "a.npz: one"
    assert first_line(Path("a.npz"), EOFError()) == "a.npz: EOFError"
    assert len(first_line(Path("a.npz"), ValueError("x" * 999))) == 207
