import xml.etree.ElementTree as ElementTree

from gclkit.reports.figures import new_figure, save_png, styled, themed_svg
from gclkit.reports.palette import INK, LINE, MUTED


def draw():
    with styled():
        figure, axes = new_figure()
        axes.plot([1, 2], [3, 4], label="a & b")
        axes.scatter([1], [3], rasterized=True)
        axes.set(xlabel="x < y")
    return figure


def test_takes_the_colors_of_the_page():
    svg = themed_svg(draw(), "one")
    ElementTree.fromstring(svg)  # Well-formed.
    assert svg.startswith("<svg ") and "var(--muted)" in svg and "var(--line)" in svg
    assert not any(color in svg for color in (INK, MUTED, LINE))
    assert " width=" not in svg[: svg.index(">")] and "viewBox" in svg[: svg.index(">")]


def test_identifiers_carry_the_name_and_drawing_repeats():
    one, two = themed_svg(draw(), "one"), themed_svg(draw(), "two")
    assert 'id="one-' in one and 'id="two-' in two and 'id="one-' not in two
    assert one == themed_svg(draw(), "one")


def test_files_are_on_white(tmp_path):
    save_png(draw(), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
