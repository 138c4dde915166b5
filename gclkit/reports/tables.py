"""Tables of scores as HTML, Markdown and LaTeX."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gclkit.checks import reject

# Scores in [0, 1] that are shown in percent; all others are shown as they are.
PERCENT = frozenset(
    "accuracy micro_f1 macro_f1 val_accuracy val_auc nmi ari homogeneity auc ap mrr "
    "hits@10 hits@50 hits@100".split()
)
_NAMES = {
    "accuracy": "accuracy", "micro_f1": "micro F1", "macro_f1": "macro F1", "nmi": "NMI",
    "ari": "ARI", "auc": "AUC", "ap": "AP", "mrr": "MRR", "hits@10": "Hits@10",
    "hits@50": "Hits@50", "hits@100": "Hits@100", "val_accuracy": "validation accuracy",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table of text: a head, rows whose first cell names them, and cells that stand out.

    Args:
        head: Names of the columns.
        rows: Cells, as many per row as the head has.
        bold: Row and column of each cell that is marked as the best.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bold: frozenset[tuple[int, int]] = frozenset()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.head):
                reject("Table", "rows", f"of {len(self.head)} cells each", row)

    def to_markdown(self) -> str:
        """GitHub's table syntax, one line per row."""
        rule = ["---", *("---:" for _ in self.head[1:])]
        lines = [map(_pipe, self.head), rule, *self._marked(_pipe, "**{}**")]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"

    def to_latex(self) -> str:
        """A ``tabular`` with the rules of booktabs."""
        columns = "l" + "r" * (len(self.head) - 1)
        lines = [
            rf"\begin{{tabular}}{{{columns}}}", r"\toprule",
            " & ".join(map(_tex, self.head)) + r" \\", r"\midrule",
            *(" & ".join(row) + r" \\" for row in self._marked(_tex, r"\textbf{{{}}}")),
            r"\bottomrule", r"\end{tabular}",
        ]  # fmt: skip
        return "\n".join(lines) + "\n"

    def to_html(self) -> str:
        """A ``table`` element inside a block that scrolls on a narrow window."""
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self.head)
        rows = "".join(
            f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
            for name, *cells in self._marked(html.escape, "<strong>{}</strong>")
        )
        return (
            f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )

    def _marked(self, escape: Callable[[str], str], mark: str) -> list[list[str]]:
        """The cells in the writing of a format, those in ``bold`` inside its ``mark``."""
        return [
            [
                mark.format(escape(cell)) if (i, j) in self.bold else escape(cell)
                for j, cell in enumerate(row)
            ]
            for i, row in enumerate(self.rows)
        ]


def format_score(name: str, summary: Mapping[str, Any]) -> str:
    """``mean ± std``: in percent with two digits where the score is a share, else with three."""
    mean, std = summary["mean"], summary.get("std")
    spread = "" if std is None else f" ± {std:.3f}"
    return (percent(summary) if name in PERCENT else f"{mean:.3f}{spread}").replace("-", "−")


def percent(summary: Mapping[str, Any]) -> str:
    """``mean ± std`` of a share in percent with two digits; the mean alone of a single value."""
    mean, std = summary["mean"], summary.get("std")
    return f"{100 * mean:.2f}" + ("" if std is None else f" ± {100 * std:.2f}")


def score_name(name: str) -> str:
    """How a score is written in a table."""
    return _NAMES.get(name, name.replace("_", " "))


def summaries(section: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The entries of a section of a report that are summaries: those with a mean."""
    return {
        name: value
        for name, value in section.items()
        if isinstance(value, Mapping) and value.get("mean") is not None
    }


def score_columns(lines: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """The scores that any line has, in the order in which they appear; none on validation."""
    keys = dict.fromkeys(key for _, section in lines for key in summaries(section))
    return [key for key in keys if key not in ("val_accuracy", "val_auc")]


def score_table(
    lines: Sequence[tuple[str, Mapping[str, Any]]], bold: frozenset[tuple[int, int]] = frozenset()
) -> Table:
    """One line per method or control, one column per score of :func:`score_columns`.

    Args:
        lines: Name and section of each, such as ``results["classification"]``.
        bold: As :class:`Table` takes it.
    """
    columns = score_columns(lines)
    found = [(name, summaries(section)) for name, section in lines]
    rows = tuple(
        (name, *(format_score(key, scores[key]) if key in scores else "–" for key in columns))
        for name, scores in found
    )
    return Table(("", *map(score_name, columns)), rows, bold)


def _pipe(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def _tex(text: str) -> str:
    for plain, escaped in (
        ("\\", r"\textbackslash "), ("&", r"\&"), ("%", r"\%"), ("#", r"\#"), ("_", r"\_"),
        ("{", r"\{"), ("}", r"\}"), ("$", r"\$"), ("~", r"\textasciitilde "),
        ("^", r"\textasciicircum "), ("±", r"$\pm$"), ("–", "--"), ("−", "$-$"),
    ):  # fmt: skip
        text = text.replace(plain, escaped)
    return text
