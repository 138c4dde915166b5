"""The HTML page: one file, no script, no request."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

_STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #ffffff; --ink: #1b2430;
  --muted: #5d6978; --line: #d9dee5; --accent: #2f6fb5; --shadow: 0 1px 2px #1b243014; }
@media (prefers-color-scheme: dark) { :root { --ground: #12161c; --card: #1b2129; --ink: #e6eaf0;
  --muted: #9aa6b5; --line: #36404d; --accent: #6aa7e6; --shadow: none; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: clamp(16px, 3vw, 40px); }
h1 { font-size: clamp(1.5rem, 1.1rem + 1.6vw, 2.1rem); line-height: 1.2; margin: 0 0 4px;
  overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 40px 0 12px; }
h3 { font-size: .95rem; margin: 0 0 8px; font-weight: 600; }
p { margin: 6px 0; max-width: 75ch; }
.lead, .note { color: var(--muted); } .note { font-size: .86rem; overflow-wrap: anywhere; }
.cards { display: grid; gap: 12px; margin: 24px 0 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 190px), 1fr)); }
.card, figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  box-shadow: var(--shadow); }
.card { padding: 14px 18px; } .card b { display: block; font-size: 1.65rem; font-weight: 650;
  line-height: 1.25; font-variant-numeric: tabular-nums; }
.card b small { font-size: .95rem; font-weight: 400; color: var(--muted); white-space: nowrap; }
.card span { color: var(--muted); font-size: .86rem; }
.grid { display: grid; gap: 16px; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 360px), 1fr)); }
figure { margin: 0; padding: 14px 16px; min-width: 0; }
figure svg, figure img { display: block; width: 100%; height: auto; }
figcaption { color: var(--muted); font-size: .84rem; margin-top: 6px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 10px; margin: 8px 0 0; padding: 0;
  list-style: none; font-size: .78rem; color: var(--muted); }
.legend i { display: inline-block; width: 9px; height: 9px; border-radius: 50%;
  margin-right: 4px; }
h3 + .scroll, .grid + h3 { margin-top: 18px; }
.scroll { overflow-x: auto; width: fit-content; max-width: 100%; min-width: min(100%, 420px);
  background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  box-shadow: var(--shadow); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 11px; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th:first-child { text-align: left; } tbody th { font-weight: 500; }
thead th { color: var(--muted); font-size: .84rem; font-weight: 600; }
tbody tr:last-child > * { border-bottom: 0; } td strong { color: var(--accent); }
details { margin: 12px 0; } summary { cursor: pointer; color: var(--accent); }
pre { overflow: auto; max-height: 480px; padding: 14px 18px; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px; font-size: .82rem; line-height: 1.45; }
.grid.pairs { grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr)); }
@media print { body { background: white; } details { display: none; } }
"""
# Where a certificate goes, which is made after the page.
SLOT_BEGIN, SLOT_END = "<!-- certificate -->", "<!-- /certificate -->"
SLOT = SLOT_BEGIN + SLOT_END
# Lets the browser itself refuse whatever would leave the page.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Panel:
    """A plot on the page.

    Args:
        title: Above the plot.
        svg: The plot, an ``svg`` element.
        caption: Below the plot, plain text.
        legend: Label and color of each entry.
    """

    title: str
    svg: str
    caption: str = ""
    legend: Sequence[tuple[str, str]] = ()

    def to_html(self) -> str:
        """A ``figure`` element."""
        caption = f"<figcaption>{html.escape(self.caption)}</figcaption>" if self.caption else ""
        legend = "".join(
            f'<li><i style="background:{color}"></i>{html.escape(label)}</li>'
            for label, color in self.legend
        )
        legend = f'<ul class="legend">{legend}</ul>' if legend else ""
        return f"<figure><h3>{html.escape(self.title)}</h3>{self.svg}{legend}{caption}</figure>"


def grid(panels: Sequence[Panel], *, pairs: bool = False) -> str:
    """Plots side by side, as many as the window is wide; at most two with ``pairs``."""
    kind = "grid pairs" if pairs else "grid"
    return f'<div class="{kind}">{"".join(panel.to_html() for panel in panels)}</div>'


def card(label: str, value: str, spread: str = "", note: str = "") -> str:
    """A headline number: what it is, the value, its spread and a remark."""
    spread = f" <small>{html.escape(spread)}</small>" if spread else ""
    note = f"<span>{html.escape(note)}</span>" if note else ""
    return (
        f'<div class="card"><span>{html.escape(label)}</span>'
        f"<b>{html.escape(value)}{spread}</b>{note}</div>"
    )


def details(summary: str, text: str) -> str:
    """Text that opens on a click."""
    return (
        f"<details><summary>{html.escape(summary)}</summary>"
        f"<pre>{html.escape(text)}</pre></details>"
    )


def page(title: str, lead: str, body: str) -> str:
    """A whole document around ``body``, which is HTML; title and lead are plain text."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<link rel="icon" href="data:,"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><main>"
        f'<h1>{html.escape(title)}</h1><p class="lead">{html.escape(lead)}</p>\n'
        f"{body}\n</main></body></html>\n"
    )


def fill_slot(document: str, section: str) -> str:
    """The document with ``section``, which is HTML, in the place of a certificate."""
    before, _, rest = document.partition(SLOT_BEGIN)
    after = rest.partition(SLOT_END)[2]
    return f"{before}{SLOT_BEGIN}{section}{SLOT_END}{after}"


def read_slot(document: str) -> str:
    """What stands in the place of a certificate."""
    return document.partition(SLOT_BEGIN)[2].partition(SLOT_END)[0]
