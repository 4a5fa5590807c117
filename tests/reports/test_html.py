"""HTML pages are self-contained, keep numbers together, and show names as they are."""

import pytest

from avsync.reports import html


def test_a_table_has_row_and_group_headings_and_a_caption_that_does_not_scroll():
    text = html.table(["Score", "AUC"], {"trimmed": [["a<b", "0.5"]]}, "What it is.")
    before, inside = text.split('<div class="scroll">')
    assert "What it is." in before
    assert '<th scope="row">a&lt;b</th><td>0.5</td>' in inside
    assert '<th class="group" scope="rowgroup" colspan="2">trimmed</th>' in inside


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("0.9 [0.8, 1.0]", "0.9 [0.8,\u00a01.0]"),
        ("100 / 900", "100\u00a0/\u00a0900"),
        ("799 ok, 1 silent", "799 ok, 1 silent"),
    ],
)
def test_an_interval_and_counts_are_not_broken_across_lines(cell, written):
    assert f"<td>{written}</td>" in html.table(["Score", "AUC"], {"": [["a", cell]]})


def test_the_contents_link_to_every_section():
    sections = html.section("What is it?", "<p>a</p>") + html.section("Clips & n", "<p>b</p>")
    contents = html.contents(sections)
    assert '<a href="#what-is-it">What is it?</a>' in contents
    assert '<a href="#clips-n">Clips &amp; n</a>' in contents
    assert 'id="what-is-it"' in sections
    assert 'id="clips-n"' in sections


def test_a_picture_is_embedded_and_described():
    figure = html.picture(b"\x89PNG", 'a "b"', "panel", words="n < 3")
    assert '<figure class="panel"><img alt="a &quot;b&quot;" src="data:image/png;base64,' in figure
    assert "<figcaption>a &quot;b&quot;</figcaption>" in figure
    assert '<p class="note">n &lt; 3</p>' in figure


def test_folded_content_has_a_summary():
    folded = html.folded("a & b", "<p>c</p>")
    assert folded == "<details>\n<summary>a &amp; b</summary>\n<p>c</p>\n</details>"


def test_a_gallery_has_a_strip_of_pictures_per_caption():
    gallery = html.gallery([([b"1", b"2"], "a & b"), ([b"3"], "c")])
    assert gallery.count("<img") == 3
    assert gallery.count('<div class="strip">') == 2
    assert "<figcaption>a &amp; b</figcaption>" in gallery


def test_a_headline_is_text_and_a_source_is_html():
    assert html.headline("a & b") == '<p class="headline">a &amp; b</p>'
    assert html.source("<code>a</code>") == '<p class="source"><code>a</code></p>'
    assert "<h2>How to read this</h2>" in html.method("a")
