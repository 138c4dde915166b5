"""Colors that read on a light and on a dark ground."""

from __future__ import annotations

import colorsys

from matplotlib.colors import to_hex, to_rgb

# Ten hues of middle lightness; further ones are the same hues, darker and lighter in turn.
_HUES = (
    "#3d7fc4", "#e07b2f", "#35a06a", "#cc4b57", "#8a6bc8",
    "#19a3b5", "#d468ac", "#a89a25", "#96684a", "#7c8794",
)  # fmt: skip
_LIGHTNESS = (1.0, 1.36, 0.7, 0.5)

# Stand-ins that the page replaces by its own colors, see figures.themed_svg.
INK, MUTED, LINE = "#1a1b1c", "#6a6b6c", "#cacbcc"
ACCENT = _HUES[0]


def colors(count: int) -> list[str]:
    """The first ``count`` colors; up to 40 are distinct, then they repeat."""
    return [_shade(_HUES[i % 10], _LIGHTNESS[i // 10 % 4]) for i in range(count)]


def _shade(color: str, factor: float) -> str:
    hue, lightness, saturation = colorsys.rgb_to_hls(*to_rgb(color))
    return to_hex(colorsys.hls_to_rgb(hue, min(0.85, lightness * factor), saturation))
