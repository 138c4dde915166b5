"""The ``gclkit`` command: one verb per file of this room."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import gclkit

COMMANDS: tuple[str, ...] = (
    "train",
    "embed",
    "reproduce",
    "evaluate",
    "certify",
    "report",
    "communities",
    "datasets",
    "env",
)


class OneLineParser(argparse.ArgumentParser):
    """Refuses an argument in one line, as the checks do; the usage is what ``--help`` is for."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.allow_abbrev = False  # What a shortened option means would change with the next one.

    def error(self, message: str) -> NoReturn:
        """Ends the command with status 2."""
        self.exit(2, f"{self.prog}: {message}\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs; builds no tensor and imports no PyTorch."""
    parser = OneLineParser(
        "gclkit",
        description="Train, embed, evaluate, certify and report node embeddings without labels.",
        epilog="example: gclkit train --method csgcl --dataset digits",
    )
    parser.add_argument("--version", action="version", version=gclkit.__version__)
    commands = parser.add_subparsers(required=True, metavar="VERB", dest="verb")
    for name in COMMANDS:
        import_module(f"gclkit.cli.{name}").add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb.

    Returns:
        0; or, after one line on standard error, 2 where the input is at fault, 1 where
        training diverged and 130 where it was interrupted; or 141, silently, if the reader
        closed the pipe (as ``head`` does).
    """
    args = build_parser().parse_args(argv)
    try:
        status = int(args.run(args))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # What is still in the buffer is written at exit, and would be refused again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, OSError, ImportError) as error:  # The input; a bug shows its traceback.
        return _say(error, 2)
    except ArithmeticError as error:  # Training that diverged.
        return _say(error, 1)
    except KeyboardInterrupt as error:
        return _say(error, 130)


def _say(error: BaseException, status: int) -> int:
    print(f"gclkit: {' '.join(str(error).split()) or 'interrupted'}", file=sys.stderr)
    return status
