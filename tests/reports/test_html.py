"""Pages are one file, keep numbers together, and show names as they are."""

import pytest

from avsync.reports import html


def test_a_table_names_its_rows_and_groups_and_what_it_is_beside_the_box_that_scrolls():
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
def test_an_interval_and_counts_are_not_torn_apart(cell, written):
    assert f"<td>{written}</td>" in html.table(["Score", "AUC"], {"": [["a", cell]]})


def test_the_contents_lead_to_every_section():
    sections = html.section("What is it?", "<p>a</p>") + html.section("Clips & n", "<p>b</p>")
    contents = html.contents(sections)
    assert '<a href="#what-is-it">What is it?</a>' in contents
    assert '<a href="#clips-n">Clips &amp; n</a>' in contents
    assert 'id="what-is-it"' in sections
    assert 'id="clips-n"' in sections


def test_a_picture_is_within_the_page_and_says_what_it_is():
    figure = html.picture(b"\x89PNG", 'a "b"', "panel", words="n < 3")
    assert '<figure class="panel"><img alt="a &quot;b&quot;" src="data:image/png;base64,' in figure
    assert "<figcaption>a &quot;b&quot;</figcaption>" in figure
    assert '<p class="note">n &lt; 3</p>' in figure


def test_what_is_folded_has_a_name():
    folded = html.folded("a & b", "<p>c</p>")
    assert folded == "<details>\n<summary>a &amp; b</summary>\n<p>c</p>\n</details>"
