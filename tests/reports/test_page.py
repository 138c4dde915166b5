from gclkit.reports.page import SLOT, Panel, card, details, fill_slot, grid, page, read_slot


def test_text_is_escaped():
    panel = Panel("<t>", "<svg></svg>", "a & b", [("<0>", "#123456")])
    body = "".join(
        [
            grid([panel]),
            grid([panel], pairs=True),
            card("<l>", "<v>", "<s>", "<n>"),
            details("<d>", "<p>"),
        ]
    )
    whole = page("<title>", "<lead>", body)
    for part in ("<t>", "<0>", "<l>", "<v>", "<s>", "<n>", "<p>", "<lead>"):
        assert part not in whole.replace("<title>&lt;title&gt;</title>", "").replace("<p>&lt;", "")
    assert "&lt;lead&gt;" in whole and "a &amp; b" in whole and "background:#123456" in whole


def test_a_grid_of_pairs_is_named_so():
    panel = Panel("t", "<svg></svg>")
    assert grid([panel]).startswith('<div class="grid"><figure>')
    assert grid([panel], pairs=True).startswith('<div class="grid pairs"><figure>')


def test_light_and_dark_narrow_and_wide():
    whole = page("t", "l", "")
    assert "prefers-color-scheme: dark" in whole and 'name="viewport"' in whole
    assert "default-src 'none'" in whole and "<script" not in whole


def test_what_stands_in_the_slot_is_replaced():
    document = page("title", "lead", f"before {SLOT} after")
    for section in ("<h2>first</h2>", "<h2>second</h2>"):
        document = fill_slot(document, section)
        assert read_slot(document) == section and "before <!--" in document
        assert document.count("<h2>") == 1 and "--> after" in document
    assert fill_slot(document, "") == page("title", "lead", f"before {SLOT} after")
