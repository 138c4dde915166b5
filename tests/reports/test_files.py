import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from gclkit.reports import to_json, write_text, write_yaml
from gclkit.reports.files import read_json


def test_arrays_and_numbers_of_numpy_and_torch_become_plain():
    nest = {
        "a": np.float32(0.5),
        3: (np.arange(3), torch.tensor([1.5])),
        "p": Path("x/y"),
        "n": None,
    }
    assert json.loads(to_json(nest)) == {"a": 0.5, "3": [[0, 1, 2], [1.5]], "p": "x/y", "n": None}


def test_what_json_has_no_form_for_is_refused():
    with pytest.raises(ValueError) as error:
        to_json({"loss": [1.0, float("inf")]})
    assert str(error.value) == "to_json: 'report.loss[1]' must be finite (got inf)"
    with pytest.raises(ValueError) as error:
        to_json({"x": object})
    assert str(error.value) == (
        "to_json: 'report.x' must be a number, text, list or dict (got 'type')"
    )


def test_text_is_written_in_utf8_and_whole(tmp_path):
    path = write_text(tmp_path / "a.txt", "ä\n")
    assert path.read_bytes() == b"\xc3\xa4\n"
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert path.read_bytes() == b"\xc3\xa4\n" and os.listdir(tmp_path) == ["a.txt"]


def test_yaml_holds_plain_values_only(tmp_path):
    path = write_yaml(tmp_path / "a.yaml", {"b": [1, 2.5], "a": None, "ä": "ö"})
    assert path.read_text(encoding="utf-8") == "b:\n- 1\n- 2.5\na: null\nä: ö\n"
    sentence = "write_yaml: 'values' must be plain values (got "
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        write_yaml(path, {"b": object()})
    assert path.read_text().startswith("b:"), "what was there is left"


def test_json_that_is_missing_or_damaged_is_an_empty_object(tmp_path):
    path = write_text(tmp_path / "a.json", to_json({"a": [1, None]}))
    assert read_json(path) == {"a": [1, None]}
    for text in ("{", "[1]", "3", "[" * 100_000):
        assert read_json(write_text(path, text)) == {}
    path.write_bytes(b"\xff")
    assert read_json(path) == read_json(tmp_path) == read_json(tmp_path / "b.json") == {}
