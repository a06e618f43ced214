"""Settings as people write them, from a mapping and from a table's cell."""

import pytest

from offbook.harness.tables.settings_in_words import cell_in_words, in_words


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ('{"nodes":15,"coupled":false,"rule":"greedy"}', "nodes 15, coupled false, rule greedy"),
        ('{"tree":{"depth":3}}', 'tree {"depth": 3}'),
        ("", ""),
        ("{", "{"),
        ("[1]", "[1]"),
    ],
)
def test_a_cells_settings_are_written_without_the_marks_of_json(found: str, said: str) -> None:
    assert cell_in_words(found) == said


def test_nothing_stands_for_no_settings() -> None:
    assert in_words({}) == ""
    assert in_words({"lr": 0.5, "path": None}) == "lr 0.5, path null"
