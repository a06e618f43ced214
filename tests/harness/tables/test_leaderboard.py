"""The leaderboard: sums over sums, speed-ups within a heat only, honest about what is missing."""

import io
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from offbook.harness.records.cell import Cell
from offbook.harness.records.certificate import BASELINE, Certificate
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole
from offbook.harness.tables.columns import fields
from offbook.harness.tables.csv_file import csv_text as to_csv
from offbook.harness.tables.decoders import leaderboard, losslessness, write_leaderboard
from offbook.harness.tables.decoders_columns import COLUMNS
from offbook.harness.tables.decoders_markdown import to_markdown
from offbook.harness.tables.listing import list_records
from offbook.harness.tables.report import report


def one(table: pd.DataFrame, **where: Any) -> dict[Any, Any]:
    for name, value in where.items():
        table = table[table[name] == value]
    (line,) = table.to_dict("records")
    return line


def filled(root: Path, cells: list[Cell]) -> Store:
    store = Store(root)
    for cell in cells:
        store.commit([(cell.record, cell.rows)])
    return store


def test_a_row_holds_the_counts_of_its_documents(make_heat: Any) -> None:
    line = one(leaderboard(make_heat()), decoder="eagle2", suite="offbook_maths")
    assert line["n_docs"] == 2
    assert line["new_tokens"] == 7 + 4
    assert line["acceptance_length"] == (3 + 3 + 2 + 1) / 4
    assert (line["acceptance_at_1"], line["acceptance_at_2"]) == (3 / 4, 2 / 3)
    assert math.isnan(line["acceptance_at_3"])
    assert line["accuracy"] == 0.5
    assert 0 < line["accuracy_low"] < 0.5 < line["accuracy_high"] < 1
    assert (line["target_forwards"], line["draft_forwards"], line["draft_forwards_per_round"]) == (4, 8, 2.0)
    assert line["draft_cost_ratio"] == pytest.approx(0.25)
    assert (line["drafter_parameters"], line["training_tokens"]) == (1_200_000, 5000)
    assert (line["peak_mib"], line["prefill_s"], line["decode_s"]) == (1.0, 0.5, 1.0)
    assert line["losslessness"] == "identical 2/2"


def test_the_speedup_is_a_ratio_of_sums_with_the_prefill_in_it(make_heat: Any) -> None:
    table = leaderboard(make_heat())
    fast = one(table, decoder="eagle2", suite="offbook_maths")
    plain = one(table, decoder="autoregressive", suite="offbook_maths")
    assert fast["tokens_per_s"] == pytest.approx(11 / (2 * 0.75))
    assert plain["tokens_per_s"] == pytest.approx(11 / (2 * 1.25))
    assert fast["speedup"] == pytest.approx(1.25 / 0.75)
    assert plain["speedup"] == 1.0
    # two prompts of 7 and 4 tokens: at worst only one of them is drawn
    assert (fast["tokens_per_s_low"], fast["tokens_per_s_high"]) == pytest.approx((4 / 0.75, 7 / 0.75))
    assert math.isnan(plain["speedup_low"]), "the baseline against itself has no spread"


def test_like_questions_are_one_draw_in_every_interval(make_heat: Any) -> None:
    """Six documents of two stories know what the two documents know of which they are copies."""
    clustered = [
        Cell(
            record=cell.record.model_copy(update={"spec": cell.record.spec.model_copy(update={"n_docs": 6})}),
            rows=tuple(
                row.model_copy(update={"doc_id": 3 * row.doc_id + copy, "cluster": f"story {row.doc_id}"})
                for row in cell.rows
                for copy in range(3)
            ),
        )
        for cell in make_heat()
    ]
    for suite in ("all", "offbook_maths"):
        for decoder in ("autoregressive", "eagle2"):
            line = one(leaderboard(clustered), suite=suite, decoder=decoder)
            alone = one(leaderboard(make_heat()), suite=suite, decoder=decoder)
            assert (line["n_docs"], line["n_clusters"], alone["n_clusters"]) == (6, 2, 2)
            for name in ("acceptance_length", "tokens_per_s", "speedup"):
                ends = [name, f"{name}_low", f"{name}_high"]
                assert [line[end] for end in ends] == pytest.approx([alone[end] for end in ends], nan_ok=True)
            assert line["accuracy_high"] - line["accuracy_low"] > 0.8, "half right, in two stories"
    assert "| 6 / 2 " in to_markdown(leaderboard(clustered))


def test_a_speedup_is_never_taken_over_another_heat(make_heat: Any) -> None:
    first, second = make_heat(heat_id="heat-1"), make_heat(heat_id="heat-2", seed=1)
    table = leaderboard([first[0], second[1]])
    assert math.isnan(one(table, decoder="eagle2", suite="offbook_maths")["speedup"])
    assert math.isnan(one(table, decoder="eagle2", suite="all")["speedup"])


def test_a_heat_with_different_documents_is_refused(make_heat: Any) -> None:
    plain, fast = make_heat()
    moved = tuple(row.model_copy(update={"doc_id": row.doc_id + 1}) for row in fast.rows)
    with pytest.raises(ValueError, match="run the heat again"):
        leaderboard([plain, Cell(record=fast.record, rows=moved)])


def test_the_all_row_pools_suites_by_their_sums(make_heat: Any) -> None:
    table = leaderboard(make_heat("a", "heat-a") + make_heat("b", "heat-b"))
    line, part = one(table, decoder="eagle2", suite="all"), one(table, decoder="eagle2", suite="a")
    assert (line["n_suites"], line["n_docs"], line["new_tokens"]) == (2, 4, 22)
    assert line["acceptance_length"] == part["acceptance_length"]
    assert line["speedup"] == pytest.approx(part["speedup"])
    assert line["losslessness"] == "identical 4/4"
    assert line["heat_id"] == "heat-a heat-b"
    assert list(table["suite"][:2]) == ["all", "all"]
    assert list(table["decoder"][:2]) == ["autoregressive", "eagle2"]


def test_the_all_row_takes_accuracy_from_suites_of_one_metric_only(
    make_heat: Any, make_record: Any, make_spec: Any
) -> None:
    graded = [
        Cell(
            record=cell.record.model_copy(update={"metric": "rouge1"}),
            rows=tuple(row.model_copy(update={"scores": {"rouge1": 0.123}}) for row in cell.rows),
        )
        for cell in make_heat("b", "heat-b")
    ]
    table = leaderboard(make_heat("a", "heat-a") + graded)
    line = one(table, decoder="eagle2", suite="all")
    assert (line["accuracy"], line["accuracy_suites"], line["accuracy_docs"]) == (0.5, 1, 2)
    assert (line["n_suites"], line["n_docs"], line["metric"]) == (2, 4, "")
    assert line["accuracy_high"] == one(table, decoder="eagle2", suite="a")["accuracy_high"]
    alone = one(leaderboard(graded), decoder="eagle2", suite="all")
    assert (alone["metric"], alone["accuracy_suites"], alone["accuracy_docs"]) == ("", 0, 0)
    assert math.isnan(alone["accuracy"])
    chat = one(leaderboard(graded), decoder="eagle2", suite="b")
    assert (chat["metric"], chat["score"]) == ("rouge1", pytest.approx(0.123))
    assert math.isnan(chat["accuracy"])


def scored(cells: list[Cell], metric: str, *, finish_reason: str = "length") -> list[Cell]:
    return [
        Cell(
            record=cell.record.model_copy(update={"metric": metric}),
            rows=tuple(
                row.model_copy(update={"scores": {metric: 0.75}, "finish_reason": finish_reason}) for row in cell.rows
            ),
        )
        for cell in cells
    ]


@pytest.mark.parametrize(("metric", "word"), [("answered", "answered"), ("rouge1", "rouge1"), ("defined", "defined")])
def test_what_is_no_accuracy_stands_under_its_own_name(make_heat: Any, metric: str, word: str) -> None:
    table = leaderboard(scored(make_heat("b", "heat-b"), metric))
    text = to_markdown(table)
    of_suite = text.partition("### b")[2]
    assert f"0.75 {word}" in re.sub(r" \[[^]]*\]", "", of_suite)
    assert "Accuracy" not in of_suite.splitlines()[2]


@pytest.mark.parametrize("metric", ["acc", "exact_match", "exact_match,strict-match", "acc,none"])
def test_shares_of_right_answers_are_pooled_whatever_their_filter(make_heat: Any, metric: str) -> None:
    cells = make_heat("a", "heat-a") + scored(make_heat("b", "heat-b"), metric)
    line = one(leaderboard(cells), decoder="eagle2", suite="all")
    assert (line["accuracy"], line["accuracy_suites"], line["accuracy_docs"]) == ((0.5 + 0.75) / 2, 2, 4)


def test_every_row_says_how_many_answers_ended_by_themselves(make_heat: Any, tmp_path: Path) -> None:
    cut = make_heat("a", "heat-a")
    ended = scored(make_heat("b", "heat-b"), "acc", finish_reason="eos")
    stopped = scored(make_heat("c", "heat-c"), "acc", finish_reason="stop")
    table = leaderboard([*cut, *ended, *stopped])
    shares = {row["suite"]: row["finished"] for row in table.to_dict("records")}
    assert shares == {"all": pytest.approx(2 / 3), "a": 0.0, "b": 1.0, "c": 1.0}
    assert not table["finished"].isna().any()
    text = to_markdown(table)
    headings = [line for line in text.splitlines() if line.startswith("| Decoder")]
    assert len(headings) == 4
    assert all(" Finished " in heading for heading in headings)
    store, out = filled(tmp_path / "store", [*cut, *ended, *stopped]), io.StringIO()
    report(store.root, console=Console(file=out, width=250))
    assert "67 %" in out.getvalue()
    assert "Finished" in out.getvalue()


def test_seeds_and_temperatures_are_not_pooled(make_heat: Any) -> None:
    cells = make_heat(heat_id="1") + make_heat(heat_id="2", seed=1) + make_heat(heat_id="3", temperature=1.0)
    table = leaderboard(cells)
    assert len(table[table["suite"] == "all"]) == 6
    assert list(table["temperature"]) == sorted(table["temperature"])


def test_a_suite_that_ran_at_two_sizes_counts_once_in_the_all_row(
    make_heat: Any, make_row: Any, make_record: Any
) -> None:
    big = make_heat()
    spec = big[0].record.spec.model_copy(update={"n_docs": 1})
    small = Cell(record=make_record(spec, heat_id="heat-2"), rows=big[0].rows[:1])
    line = one(leaderboard([small, *big]), decoder="autoregressive", suite="all")
    assert (line["n_suites"], line["n_docs"]) == (1, 2)


def test_the_order_of_records_does_not_matter(make_heat: Any) -> None:
    cells = make_heat("a", "heat-a") + make_heat("b", "heat-b") + make_heat("a", "heat-c", seed=1)
    assert to_csv(leaderboard(cells)) == to_csv(leaderboard(cells[::-1]))


@pytest.mark.parametrize(
    ("certificates", "phrase"),
    [
        ([{"kind": "greedy_identity", "verdict": "lossless", "n": 12, "identical": 12}], "identical 12/12"),
        (
            [{"kind": "greedy_identity", "verdict": "ties", "n": 12, "identical": 11, "ties": 1}],
            "identical 11/12, 1 tie",
        ),
        (
            [
                {"kind": "greedy_identity", "verdict": "ties", "n": 12, "identical": 11, "ties": 1},
                {"kind": "greedy_identity", "verdict": "differs", "n": 12, "identical": 10, "unexplained": 2},
            ],
            "DIFFERS 2/24",
        ),
        (
            [
                {
                    "kind": "sampling_distribution",
                    "verdict": "lossless",
                    "tv": 0.004,
                    "tv_bound": 0.021,
                    "p_value": 0.43,
                },
                {"kind": "sampling_distribution", "verdict": "lossless", "tv": 0.002, "tv_bound": 0.02, "p_value": 0.9},
            ],
            "TV 0.004 <= 0.021 (p=0.43)",
        ),
        (
            [
                {"kind": "sampling_distribution", "verdict": "lossless", "tv": 0.4, "tv_bound": 0.5, "p_value": 0.43},
                {"kind": "sampling_distribution", "verdict": "differs", "tv": 0.2, "tv_bound": 0.3, "p_value": 0.0},
            ],
            "DIFFERS: TV 0.200 <= 0.300 (p=0)",
        ),
        ([{"kind": "greedy_identity", "verdict": "not_tested"}], "not tested"),
        (
            [
                {"kind": "greedy_identity", "verdict": "lossless", "n": 2, "identical": 2},
                {"kind": "sampling_distribution", "verdict": "differs", "tv": 0.2, "tv_bound": 0.3, "p_value": 0.0},
            ],
            "DIFFERS in 1 of 2 cells",
        ),
    ],
)
def test_losslessness_is_one_phrase_and_the_worst_decides(certificates: list[dict[str, Any]], phrase: str) -> None:
    assert losslessness([Certificate(**fields) for fields in certificates]) == phrase


def test_the_baseline_says_so() -> None:
    assert losslessness([BASELINE, BASELINE]) == "baseline"


def test_the_csv_keeps_every_digit_and_every_column(make_heat: Any, tmp_path: Path) -> None:
    table = write_leaderboard(filled(tmp_path / "store", make_heat()), tmp_path / "out")
    back = pd.read_csv(tmp_path / "out" / "leaderboard.csv")
    assert list(back.columns) == fields(COLUMNS)
    assert list(back["speedup"]) == list(table["speedup"])


def test_hostile_text_stays_text(make_heat: Any) -> None:
    cells = make_heat("=HYPERLINK(1)|x`<script>\ny")
    table = leaderboard(cells)
    assert (
        one(pd.read_csv(io.StringIO(to_csv(table))), decoder="eagle2", seed=0, n_suites=1, suite="all")["accuracy_docs"]
        == 2
    )
    assert "'=HYPERLINK" in to_csv(table)
    text = to_markdown(table, manifests={cells[0].record.heat_id: cells[0].record.manifest})
    assert "<script>" not in text
    assert "Toy \\| CPU" in text
    for section in re.split("### |## What drafters cost", text)[1:]:
        bars = {line.replace("\\|", "").count("|") for line in section.splitlines() if line.startswith("|")}
        assert len(bars) == 1, "a pipe in a name must not make a column"


def test_a_row_says_in_what_its_student_was_trained(make_heat: Any) -> None:
    (first, second) = make_heat(student={"name": "mind", "method": "mind"})
    said = {"heat": {"trained_in": "bf16"}}
    cells = [Cell(record=cell.record.model_copy(update={"manifest": said}), rows=cell.rows) for cell in (first, second)]
    assert set(leaderboard(cells)["trained_in"]) == {"bf16"}
    assert set(leaderboard(make_heat())["trained_in"]) == {""}


def test_below_each_table_stand_the_machines_of_its_own_heats(make_heat: Any) -> None:
    cells = [*make_heat("maths", "one"), *make_heat("qa", "two")]
    loads = {"load_average": {"start": [0.5, 1.0, 1.0], "end": [2.0, 1.0, 1.0]}}
    manifests = {"one": {"cpu": "First", "heat": loads}, "two": {"cpu": "Second"}, "three": {"cpu": "Third"}}
    text = to_markdown(leaderboard(cells), manifests=manifests)
    pooled, maths, qa = text.partition("## What drafters cost")[0].split("### ")[1:]
    for part, first, second in ((pooled, True, True), (maths, True, False), (qa, False, True)):
        below = part[part.rindex("\n|") :]
        assert ("Measured on: First, kernels unknown" in below) is first
        assert ("Measured on: Second" in below) is second
    assert "torch unknown, load 0.5 to 2.0." in maths
    assert "load unknown." in qa
    assert "Third" not in text


def test_negative_numbers_are_not_taken_for_formulas(make_heat: Any) -> None:
    table = leaderboard(make_heat(seed=-3))
    assert list(pd.read_csv(io.StringIO(to_csv(table)))["seed"]) == [-3] * 4


def test_the_markdown_shows_intervals_and_no_empty_ones(make_heat: Any) -> None:
    text = to_markdown(leaderboard(make_heat()))
    assert "2.25 [" in text
    assert "0.50 [0.09, 0.91] | 2 docs, 1 suite " in " ".join(text.split())
    assert "nan" not in text
    assert "[1.00, 1.00]" not in text
    assert "± 0.0" not in text


def test_rows_over_different_suites_say_so(make_heat: Any) -> None:
    partial = make_heat("a", "heat-a") + make_heat("b", "heat-b")[:1]
    assert "| Suites " in to_markdown(leaderboard(partial))
    assert "| Suites " not in to_markdown(leaderboard(make_heat()))


def test_an_empty_store_gives_an_empty_table(tmp_path: Path) -> None:
    table = write_leaderboard(Store(tmp_path / "none"), tmp_path)
    assert table.empty
    assert (tmp_path / "leaderboard.csv").read_text() == ",".join(fields(COLUMNS)) + "\n"
    assert "# Leaderboard" in (tmp_path / "LEADERBOARD.md").read_text()


def test_a_damaged_store_writes_nothing(make_heat: Any, tmp_path: Path) -> None:
    store = filled(tmp_path / "store", make_heat())
    next((store.root / "rows").iterdir()).write_text("")
    with pytest.raises(ValueError, match="SHA-256"):
        write_leaderboard(store, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_report_writes_beside_the_records_and_prints(make_heat: Any, tmp_path: Path) -> None:
    store = filled(tmp_path / "store", make_heat())
    out = io.StringIO()
    report(store.root, console=Console(file=out, width=200))
    assert (store.root / "LEADERBOARD.md").exists()
    assert "eagle2" in out.getvalue()
    assert len(whole(store).cells) == 2


@pytest.mark.parametrize("command", [report, list_records])
def test_a_folder_that_is_no_store_is_named(command: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a store"):
        command(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_predicted_and_observed_survival_stand_side_by_side(make_heat: Any) -> None:
    """Of rounds that had a prediction of the depth; the last round of each answer is left out."""
    rounds = ((2, 2, 1, 2), (2, 2, 2, 3), (1, 1, 0, 1), (2, 2, 2, 3))
    predicted = ((0.8, 0.5), (0.7, 0.25), (0.6,), (0.1, 0.1))
    cells = make_heat()
    tokens = tuple(range(1 + sum(committed for *_, committed in rounds)))
    told = {"rounds": rounds, "predicted": predicted, "tokens": tokens}
    drafted = replace(cells[1], rows=tuple(row.model_copy(update=told) for row in cells[1].rows))
    table = leaderboard([cells[0], drafted])
    line = one(table, decoder=drafted.record.spec.decoder, suite=drafted.record.spec.suite)
    assert line["survival_predicted_at_1"] == pytest.approx(0.7)
    assert line["survival_at_1"] == pytest.approx(2 / 3)
    assert (line["survival_predicted_at_2"], line["survival_at_2"]) == pytest.approx((0.375, 0.5))
    assert math.isnan(line["survival_predicted_at_3"])
    assert "0.70 (0.67) / 0.38 (0.50) / - (-) / - (-)" in to_markdown(table)


def test_without_predictions_no_page_speaks_of_them(make_heat: Any) -> None:
    table = leaderboard(make_heat())
    assert table["survival_predicted_at_1"].isna().all()
    assert "| Predicted (survived)" not in to_markdown(table)
