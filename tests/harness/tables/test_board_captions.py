"""Pictures beside each other say once what all of them say, and each what is its own."""

from markupsafe import Markup

from offbook.harness.tables.board.captions import in_rows
from offbook.harness.tables.board.plot import Plot


def plot(title: str, *caption: str) -> Plot:
    return Plot(name=title.lower(), title=title, told="", caption=caption, height=10, drawn=Markup(""))


def test_what_all_of_a_kind_say_stands_above_them_and_nothing_is_lost() -> None:
    plots = [plot("Speed: a", "Points: sums.", "n = 2.", "No evidence."), plot("Speed: b", "Points: sums.", "n = 3.")]
    (row,) = in_rows(plots)
    assert (row.title, row.said) == ("Speed", ("Points: sums.",))
    assert [(each.title, each.caption) for each in row.pictures] == [
        ("a", ("n = 2.", "No evidence.")),
        ("b", ("n = 3.",)),
    ]
    assert [each.plot for each in row.pictures] == plots


def test_pictures_of_several_kinds_stand_in_a_row_and_keep_their_words() -> None:
    (row,) = in_rows([plot("ID: a", "n = 2."), plot("OOD: a", "n = 2.")])
    assert (row.title, row.said) == ("", ())
    assert [(each.title, each.caption) for each in row.pictures] == [("ID: a", ("n = 2.",)), ("OOD: a", ("n = 2.",))]


def test_kinds_keep_their_order() -> None:
    plots = [plot("One"), plot("Two: a"), plot("Two: b"), plot("Three"), plot("Four")]
    rows = [*in_rows(plots)]
    assert [[each.plot.title for each in row.pictures] for row in rows] == [
        ["One"],
        ["Two: a", "Two: b"],
        ["Three", "Four"],
    ]
    assert [*in_rows([])] == []
