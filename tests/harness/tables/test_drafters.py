"""What drafters cost stands beside what they bring, whatever is known of it."""

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from offbook.harness.records.cell import Cell
from offbook.harness.tables.columns import Table
from offbook.harness.tables.csv_file import from_csv, to_csv
from offbook.harness.tables.decoders import leaderboard
from offbook.harness.tables.decoders_columns import COLUMNS
from offbook.harness.tables.decoders_markdown import to_markdown
from offbook.harness.tables.drafters import TITLE, drafters_markdown, drafting

KNOWN = {"gradient_tokens": 15_000, "training_flops": 41_234_567_890_123, "levels_by_pass": (1, 2)}
ROUNDS = ((4, 3, 3, 4), (4, 3, 2, 3), (4, 3, 2, 3), (4, 1, 0, 1))


def told(cells: list[Cell], **info: Any) -> list[Cell]:
    """The same heat, more being known of its drafter, whose trees have three levels."""
    plain, fast = cells
    tokens = tuple(range(1 + sum(committed for *_, committed in ROUNDS)))
    rows = tuple(row.model_copy(update={"rounds": ROUNDS, "tokens": tokens}) for row in fast.rows)
    record = fast.record.model_copy(update={"drafter": fast.record.drafter.model_copy(update=info)})
    return [plain, replace(fast, record=record, rows=rows)]


def cells_of(table: pd.DataFrame) -> dict[str, str]:
    """The one line of the section, by heading."""
    text = drafters_markdown(drafting(table))[2]
    heading, _, line = ([cell.strip() for cell in row.strip("|").split(" | ")] for row in text.splitlines())
    return dict(zip(heading, line, strict=True))


def test_a_drafters_line_has_its_size_its_training_its_cost_and_its_acceptance(make_heat: Any) -> None:
    found = cells_of(leaderboard(told(make_heat(), **KNOWN)))
    assert found["Drafter of"] == "eagle2"
    assert (found["Parameters"], found["Answer tokens"], found["Gradient tokens"]) == ("1.2M", "5.0k", "15.0k")
    assert found["Training FLOPs"] == "4.1e13"
    assert found["Draft ms"] == "25.00", "0.1 s of four rounds, twice"
    assert found["Drafts per round"] == "1.0"
    assert found["Acceptance length"].startswith("2.75")
    assert found["Accepted at level"] == "0.75 / 1.00 + 0.33", "levels two and three come from one pass"
    assert found["Speed-up"]


@pytest.mark.parametrize("said", ["DIFFERS: TV 0.400", "not tested", "identical 2/2"])
def test_whether_the_output_is_the_targets_stands_beside_acceptance(said: str, make_heat: Any) -> None:
    assert cells_of(leaderboard(make_heat()).assign(losslessness=said))["Lossless?"] == said


def test_who_drafts_with_the_targets_own_layers_is_among_them(make_heat: Any) -> None:
    plain, fast = make_heat()
    spec = fast.record.spec.model_copy(update={"drafter": None})
    record = fast.record.model_copy(update={"spec": spec, "drafter": None, "key": spec.key()})
    found = cells_of(leaderboard([plain, replace(fast, record=record)]))
    assert (found["Parameters"], found["Answer tokens"], found["Drafts per round"]) == ("0", "-", "2.0")


def test_drafters_of_two_trainings_are_told_apart_by_their_weights(make_heat: Any) -> None:
    plain, fast = make_heat()
    other = fast.record.spec.drafter.model_copy(update={"sha256": "aa" * 32})
    spec = fast.record.spec.model_copy(update={"drafter": other})
    again = replace(fast, record=fast.record.model_copy(update={"spec": spec, "key": spec.key()}))
    page = to_markdown(leaderboard([plain, fast, again]))
    assert [page.count(beginning) for beginning in ("aaaaaaaa", "efefefef")] == [3, 3], (
        "pooled, by suite, and what it cost"
    )
    assert "efefefef" not in to_markdown(leaderboard([plain, fast])), "who is one of a kind needs no hash"


def test_what_nobody_said_is_no_number(make_heat: Any) -> None:
    found = cells_of(leaderboard(told(make_heat())))
    assert (found["Gradient tokens"], found["Training FLOPs"]) == ("-", "-")
    assert found["Accepted at level"] == "0.75 / 1.00 / 0.33"
    counted = cells_of(leaderboard(told(make_heat(), gradient_tokens=0, training_flops=0)))
    assert (counted["Gradient tokens"], counted["Training FLOPs"]) == ("0", "0")


@pytest.mark.parametrize(
    ("levels", "shown"),
    [((3,), "0.75 + 1.00 + 0.33"), ((1, 1, 2), "0.75 / 1.00 / 0.33"), ((1,), "0.75 / 1.00 / 0.33")],
)
def test_levels_are_joined_as_passes_give_them(make_heat: Any, levels: tuple[int, ...], shown: str) -> None:
    assert cells_of(leaderboard(told(make_heat(), levels_by_pass=levels)))["Accepted at level"] == shown


def test_the_page_has_the_section_where_somebody_drafts(make_heat: Any) -> None:
    manifests = {"heat-1": {"cpu": "First"}}
    page = to_markdown(leaderboard(make_heat()), manifests=manifests)
    below = page.partition(TITLE)[2]
    assert "**Training FLOPs**: " in below
    assert "Measured on: First" in below[below.rindex("\n|") :]
    assert TITLE not in to_markdown(leaderboard(make_heat()[:1]), manifests=manifests)
    assert drafting(leaderboard(make_heat()))["suite"].unique().tolist() == ["all"]


def test_csv_has_all_of_it_and_is_read_back(make_heat: Any, tmp_path: Any) -> None:
    table = leaderboard(told(make_heat(), **KNOWN))
    (tmp_path / "leaderboard.csv").write_text(to_csv(Table(columns=COLUMNS, rows=table)))
    plain, fast = from_csv(tmp_path / "leaderboard.csv", COLUMNS).query("suite == 'all'").to_dict("records")
    assert (fast["drafter_gradient_tokens"], fast["drafter_training_flops"]) == (15_000, 41_234_567_890_123)
    assert (fast["levels_by_pass"], fast["draft_ms_per_round"]) == ("1 2", pytest.approx(25))
    assert (fast["acceptance_at_3"], plain["levels_by_pass"]) == (pytest.approx(1 / 3), "")
    assert all(math.isnan(plain[name]) for name in ("drafter_gradient_tokens", "drafter_training_flops"))
    assert math.isnan(fast["acceptance_at_6"])


def test_two_trees_of_one_decoder_are_told_apart_by_variant_and_options(make_heat: Any) -> None:
    plain, fast = told(make_heat())
    spec = fast.record.spec.model_copy(
        update={
            "drafter": fast.record.spec.drafter.model_copy(update={"sha256": "aa" * 32, "variant": {"width": 9}}),
            "decoder_config": {"depth": 2},
        }
    )
    other = replace(fast, record=fast.record.model_copy(update={"spec": spec, "key": spec.key()}))
    text = drafters_markdown(drafting(leaderboard([plain, fast, other])))[2]
    assert "width 9" in text
    assert "depth 2" in text
