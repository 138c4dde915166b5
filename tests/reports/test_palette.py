import pytest

from gclkit.reports.palette import INK, LINE, MUTED, colors


def luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", ["#ffffff", "#1b2129"])
def test_the_first_ten_stand_out_on_light_and_dark(ground):
    for color in colors(10):
        light, dark = sorted((luminance(color), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 2.2


def test_no_color_is_one_of_the_stand_ins():
    assert len({*colors(40), INK, MUTED, LINE}) == 43
    assert colors(41)[40] == colors(1)[0]
