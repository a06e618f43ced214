"""Every dimension of the matrix is a column of CSV; people read labels, and of the rest what differs."""

import io
from typing import Any

import pandas as pd

from offbook.harness.tables.columns import Table
from offbook.harness.tables.csv_file import to_csv
from offbook.harness.tables.decoders import leaderboard
from offbook.harness.tables.decoders_columns import COLUMNS
from offbook.harness.tables.decoders_markdown import to_markdown
from offbook.harness.tables.frames_columns import DIMENSIONS

MIND = {"name": "mind", "method": "mind", "seed": 2, "options": {"beta": 0.5}, "corpus_sha256": "cd" * 32}


def borrowed(make_heat: Any) -> pd.DataFrame:
    """A student's heat, its drafter made for the base model."""
    plain, fast = make_heat(student=MIND)
    spec = fast.record.spec.model_copy(
        update={"drafter": fast.record.spec.drafter.model_copy(update={"made_for": "base"})}
    )
    return leaderboard([plain, type(fast)(record=fast.record.model_copy(update={"spec": spec}), rows=fast.rows)])


def test_csv_has_the_dimensions_of_the_data_frames_and_no_label(make_heat: Any) -> None:
    text = to_csv(Table(columns=COLUMNS, rows=borrowed(make_heat)))
    table = pd.read_csv(io.StringIO(text))
    assert set(DIMENSIONS) - {"kind"} <= set(table.columns)
    row = table[(table["decoder"] == "eagle2") & (table["suite"] == "offbook_maths")].to_dict("records")[0]
    found = {name: row[name] for name in ("student", "method", "training_seed", "corpus", "method_options")}
    assert found == {
        "student": "mind",
        "method": "mind",
        "training_seed": 2,
        "corpus": "cd" * 32,
        "method_options": '{"beta":0.5}',
    }
    assert (row["drafter_made_for"], row["drafter_sha256"], row["layout"]) == ("base", "ef" * 32, "transformers")
    assert row["weights_sha256"] == "ab" * 32
    assert not any(label in text for label in ("mind, seed", "base's drafter"))


def test_people_read_labels(make_heat: Any) -> None:
    table = pd.concat([borrowed(make_heat), leaderboard(make_heat(heat_id="heat-2"))])
    text = to_markdown(table)
    assert "| mind, seed 2 " in text
    assert "| eagle2 (base's drafter) " in text
    assert "made_for" not in text


def test_a_page_shows_a_dimension_where_its_rows_differ_in_it(make_heat: Any) -> None:
    plain = make_heat()
    titles = {"layout": "Layout", "dtype": "Number format", "chat_template": "Chat template", "top_k": "Top k"}
    titles |= {"top_p": "Top p", "decoder_config": "Options", "weights_sha256": "Weights"}
    titles |= {"settings_sha256": "Settings of the model"}
    assert not any(f"| {title} " in to_markdown(leaderboard(plain)) for title in titles.values())
    tuned = plain[1].record.spec.model_copy(update={"decoder_config": {"depth": 9}})
    fast = type(plain[1])(record=plain[1].record.model_copy(update={"spec": tuned}), rows=plain[1].rows)
    assert "| Options " not in to_markdown(leaderboard([plain[0], fast])), "decoders of other names have other options"
    others = {
        **{"layout": "packed", "dtype": "bfloat16", "chat_template": False, "top_k": 5, "top_p": 0.9},
        **{"decoder_config": {"depth": 9}, "weights_sha256": "cd" * 32},
    }
    for name, value in others.items():
        text = to_markdown(leaderboard([*plain, *make_heat(heat_id="heat-2", **{name: value})]))
        assert f"| {titles[name]} " in text
    assert "| no " in to_markdown(leaderboard([*plain, *make_heat(heat_id="heat-2", chat_template=False)]))


def test_settings_stand_in_words_behind_all_else(make_heat: Any) -> None:
    tuned = make_heat(heat_id="heat-2", decoder_config={"depth": 9, "rule": "greedy"})
    head, _, *rows = [line for line in to_markdown(leaderboard([*make_heat(), *tuned])).splitlines() if "|" in line]
    assert head.split("|")[-2].strip() == "Options"
    assert any(row.split("|")[-2].strip() == "depth 9, rule greedy" for row in rows)


def test_a_model_that_was_edited_is_told_from_what_it_was(make_heat: Any) -> None:
    one, other = (make_heat(heat_id=f"heat-{n}", settings_sha256=n * 64) for n in "12")
    assert "| 11111111 " in to_markdown(leaderboard([*one, *other]))
    unknown = make_heat(heat_id="heat-3", settings_sha256=None)
    assert "Settings of the model" not in to_markdown(leaderboard([*one, *unknown])), "it was not kept then"
