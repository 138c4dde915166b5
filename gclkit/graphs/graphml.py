"""GraphML files, without the parts of XML that make a small file large."""

from __future__ import annotations

import warnings
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from torch_geometric.data import Data

from gclkit.checks import Rejected, reject
from gclkit.graphs.decoders import first_line
from gclkit.graphs.from_networkx import from_networkx
from gclkit.graphs.memory_limit import check_file

# An XML tree and the graph made of it take some thirty times the bytes of the text.
_TREE = 30


def read_graphml(owner: str, path: Path) -> Data:
    """Reads a graph with :func:`networkx.read_graphml`, after a look at the file.

    A document type declaration is refused: entities are declared there, and those expand or
    read other files.

    Raises:
        OSError: If the file is missing or cannot be opened.
        ValueError: If it is not GraphML, or declares a document type.
    """
    import networkx

    check_file(owner, path, growth=_TREE)
    rule = "a GraphML file without a document type declaration"
    try:
        content = path.read_bytes()
        _refuse_declarations(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph = networkx.parse_graphml(content, force_multigraph=False)
        return from_networkx(owner, graph)
    except Rejected:
        raise
    except (
        expat.ExpatError,
        ElementTree.ParseError,
        networkx.NetworkXException,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        StopIteration,
        OverflowError,
        RecursionError,
    ) as error:
        reject(owner, "source", rule, first_line(path, error))


def _refuse_declarations(content: bytes) -> None:
    def refuse(*_: Any) -> NoReturn:
        raise ValueError("it declares a document type")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.Parse(content, True)
