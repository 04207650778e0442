"""Cells, quantities, and the marks that tie a number in a sentence to where it came from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from equipoise.core.provenance import Cell, Quantity, mark, pieces, plain


def quantity(id: str = "pain.effect") -> Quantity:
    return Quantity(id, -5.75, "points", "Pain", "pooled", cells=(Cell("results.csv", 2, "mean"),))


def test_a_cell_reads_as_an_editor_shows_it() -> None:
    assert str(Cell("results.csv", 12, "mean")) == "results.csv:12:mean"


def test_cells_sort_by_file_then_line() -> None:
    cells = [Cell("b.csv", 1, "a"), Cell("a.csv", 10, "a"), Cell("a.csv", 9, "z")]
    assert sorted(cells) == [cells[2], cells[1], cells[0]]


def test_a_marked_number_can_be_linked_or_dropped() -> None:
    text = f"Lower by {mark(quantity(), '5.8')} (up to {mark(quantity('pain.low'), '10.6')})."
    assert text == "Lower by ⟦pain.effect|5.8⟧ (up to ⟦pain.low|10.6⟧)."
    assert plain(text) == "Lower by 5.8 (up to 10.6)."
    assert pieces(text) == (
        ("Lower by ", None),
        ("5.8", "pain.effect"),
        (" (up to ", None),
        ("10.6", "pain.low"),
        (").", None),
    )


def test_text_without_marks_is_left_alone() -> None:
    assert plain("a ⟦b c⟧ d") == "a ⟦b c⟧ d"
    assert plain("") == ""
    assert pieces("") == ()
    assert pieces("no numbers [1|2]") == (("no numbers [1|2]", None),)


def test_a_mark_at_either_end() -> None:
    assert pieces("⟦a|1⟧") == (("1", "a"),)
    assert pieces("⟦a|1⟧⟦b|2⟧") == (("1", "a"), ("2", "b"))


free = st.text(st.characters(codec="utf-8", exclude_characters="⟦⟧|"), max_size=12)
name = st.text("abcdefghij.-_0123456789", min_size=1, max_size=12)


@given(st.lists(st.tuples(free, name, free), max_size=5), free)
def test_pieces_put_together_are_the_plain_text(
    parts: list[tuple[str, str, str]], end: str
) -> None:
    text = "".join(f"{before}{mark(quantity(id), shown)}" for before, id, shown in parts) + end
    assert "".join(piece for piece, _ in pieces(text)) == plain(text)
    assert [id for _, id in pieces(text) if id is not None] == [id for _, id, _ in parts]
