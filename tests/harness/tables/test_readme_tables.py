"""README's two tables: which rows stand there, by a rule that is no choice, and how they are told."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from offbook.harness.records.exam import Exam
from offbook.harness.tables import readme_decoders, readme_students
from offbook.harness.tables.columns import fields
from offbook.harness.tables.decoders import leaderboard
from offbook.harness.tables.decoders_columns import COLUMNS
from offbook.harness.tables.markdown import names_of_block
from offbook.harness.tables.progress import MissingExam, Progress
from offbook.harness.tables.short_table import MOST_COLUMNS, MOST_ROWS, WIDEST
from tests.harness.tables.exams import exam, three_students

Heat = Callable[..., list[Any]]
MANY = [f"method_{letter}" for letter in "abcdefgh"]


def lines(text: str) -> list[list[str]]:
    """The cells of its table, without the heading's line."""
    found = [line for line in text.splitlines() if line.startswith("|")]
    assert max(map(len, found)) <= WIDEST
    cells = [[cell.strip() for cell in line.replace("\\|", "I").strip("|").split("|")] for line in found]
    assert {len(line) for line in cells} == {len(cells[0])}, "a pipe in a name must not make a column"
    assert len(cells[0]) <= MOST_COLUMNS
    assert len(cells) - 2 <= MOST_ROWS
    return [cells[0], *cells[2:]]


@pytest.fixture
def table(make_heat: Heat) -> pd.DataFrame:
    """Two decoders, the second faster."""
    return leaderboard(make_heat())


def several(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """The leaderboard with so many decoders more, each slower than the one before."""
    pooled = table[(table["suite"] == "all") & (table["decoder"] == "eagle2")]
    more = [pooled.assign(decoder=f"other_{n}", speedup=0.9 - n / 20) for n in range(count)]
    return pd.concat([table, *more], ignore_index=True)


# --- decoders ---


def test_decoders_stand_there_fastest_first_in_five_columns(table: pd.DataFrame) -> None:
    heading, first, second = lines(readme_decoders.readme_decoders(table))
    assert heading == ["Decoder", "Acceptance", "Tokens/s", "Over autoregressive", "Lossless?"]
    assert (first[0], second[0]) == ("eagle2", "autoregressive")
    assert first[1] == "2.25"
    assert (first[4], second[4]) == ("2/2", "baseline")


def test_six_stand_there_and_the_text_says_of_how_many(table: pd.DataFrame) -> None:
    text = readme_decoders.readme_decoders(several(table, 7))
    _, *rows = lines(text)
    assert [row[0] for row in rows] == ["eagle2", "autoregressive", *(f"other_{n}" for n in range(4))]
    assert "6 of 9 decoders, of each its fastest setting" in " ".join(text.split())


def test_a_speed_stands_there_only_beside_those_it_was_measured_with(table: pd.DataFrame) -> None:
    slow = table.assign(layout="eager", tokens_per_s=table["tokens_per_s"] / 2)
    alone = table[table["decoder"] == "eagle2"].assign(decoder="alone", heat_id="another")
    text = readme_decoders.readme_decoders(pd.concat([slow, table, alone], ignore_index=True))
    _, *rows = lines(text)
    speeds = {row[0]: float(row[2]) for row in rows}
    assert {*speeds} == {"eagle2", "autoregressive"}
    for row in rows:
        ratio = float(row[3].split()[0])
        assert ratio == pytest.approx(speeds[row[0]] / speeds["autoregressive"], abs=0.02), "a reader may divide"
    layout = table["layout"].iloc[0]
    assert f"with the weights in layout {layout}." in " ".join(text.split())
    assert "In the same run" not in text


def test_a_layout_that_is_faster_without_drafting_is_told(table: pd.DataFrame) -> None:
    plain = table[table["decoder"] == "autoregressive"].assign(layout="packed", tokens_per_s=1234.5)
    text = " ".join(readme_decoders.readme_decoders(pd.concat([table, plain], ignore_index=True)).split())
    assert "In the same run autoregressive in layout packed wrote 1234.5 tokens a second." in text
    another_run = readme_decoders.readme_decoders(pd.concat([table, plain.assign(heat_id="another")]))
    assert "1234.5" not in another_run


def test_plain_decoding_stands_there_however_slow(table: pd.DataFrame) -> None:
    fast = several(table, 7).query("decoder != 'eagle2'")
    fast.loc[fast["decoder"].str.startswith("other"), "speedup"] += 5
    _, *rows = lines(readme_decoders.readme_decoders(fast))
    assert rows[-1][0] == "autoregressive"
    assert readme_decoders.readme_decoders(table.query("decoder == 'eagle2'")) == readme_decoders.NOTHING


def test_whom_the_readme_names_stands_there_however_slow(table: pd.DataFrame) -> None:
    _, *rows = lines(readme_decoders.readme_decoders(several(table, 7), keep=["other_6", "nobody"]))
    assert [row[0] for row in rows][-2:] == ["other_2", "other_6"]
    assert len(rows) == MOST_ROWS


def test_of_a_decoder_its_fastest_setting_stands_there(table: pd.DataFrame) -> None:
    slow = table[table["decoder"] == "eagle2"].assign(decoder_options="{}", speedup=0.5)
    _, *rows = lines(readme_decoders.readme_decoders(pd.concat([slow, table], ignore_index=True)))
    assert [row[0] for row in rows] == ["eagle2", "autoregressive"]
    assert not rows[0][3].startswith("0.5")


def test_a_drafter_that_was_trained_otherwise_says_in_what(table: pd.DataFrame) -> None:
    narrow = table[table["decoder"] == "eagle2"].assign(drafter_variant='{"width":640}', speedup=5.0)
    _, *rows = lines(readme_decoders.readme_decoders(pd.concat([narrow, table], ignore_index=True)))
    assert [row[0] for row in rows] == ["eagle2, width 640", "autoregressive"]


@pytest.mark.parametrize(
    "elsewhere",
    [{"temperature": 1.0}, {"student": "mind"}, {"suite": "qa"}, {"losslessness": "DIFFERS 1/2"}, {"n_docs": 1}],
    ids=lambda where: next(iter(where)),
)
def test_rows_of_another_question_are_left_out(table: pd.DataFrame, elsewhere: dict[str, Any]) -> None:
    other = several(table, 1).query("decoder == 'other_0'").assign(speedup=9.0, **elsewhere)
    assert "other_0" not in readme_decoders.readme_decoders(pd.concat([table, other], ignore_index=True))


def test_the_documents_are_those_that_most_of_the_named_decoded(table: pd.DataFrame) -> None:
    more = table.replace({"decoder": {"eagle2": "more"}}).assign(n_docs=99)
    both = pd.concat([table, more], ignore_index=True)
    assert "99 prompts" in readme_decoders.readme_decoders(both)
    assert "99 prompts" in readme_decoders.readme_decoders(both, keep=["nobody"])
    _, *rows = lines(readme_decoders.readme_decoders(both, keep=["eagle2"]))
    assert {row[0] for row in rows} == {"eagle2", "autoregressive"}


def test_a_run_of_equal_trees_does_not_take_the_place_of_one_where_they_are_cut(table: pd.DataFrame) -> None:
    """On more documents, and faster; but what nobody cuts is compared, and not decoded with."""
    cut = table.assign(tuning=["ab" if decoder == "eagle2" else "" for decoder in table["decoder"]])
    equal = table.assign(n_docs=240, heat_id="another", tokens_per_s=1234.5)
    both = pd.concat([equal, cut], ignore_index=True)
    assert "240 prompts" not in readme_decoders.readme_decoders(both, keep=["autoregressive", "eagle2"])
    assert "240 prompts" in readme_decoders.readme_decoders(both), "of runs with nobody that is looked for, the largest"


def test_models_stand_above_and_machines_below(make_heat: Heat) -> None:
    text = readme_decoders.readme_decoders(
        leaderboard(make_heat()), {"heat-1": {"cpu": "First"}, "other": {"cpu": "X"}}
    )
    assert text.startswith("One ")
    assert text.splitlines()[-1].startswith("Measured on: First, kernels unknown")


def test_an_empty_board_says_so() -> None:
    assert readme_decoders.readme_decoders(pd.DataFrame(columns=fields(COLUMNS))) == readme_decoders.NOTHING


# --- students ---


def _scores(better: int, seed: int) -> dict[str, list[float]]:
    right = better + 1 + seed
    return {"sums": [1.0] * right + [0.0] * (20 - right), "dates": [1.0] * (1 + seed) + [0.0] * (3 - seed)}


def taught(names: Sequence[str], seeds: int = 2, **changes: Any) -> list[Exam]:
    """The untouched model and students, each a little better than the one before."""
    return [
        exam("untouched", scores={"sums": [0.0] * 20, "dates": [1.0] * 4}, **changes),
        *(exam(name, n, scores=_scores(i, n), **changes) for i, name in enumerate(names) for n in range(seeds)),
    ]


def test_students_stand_there_beside_the_untouched_model_with_what_is_known_of_their_methods() -> None:
    heading, *rows = lines(readme_students.readme_students(three_students()))
    assert heading == ["Student", "Seeds", "ID", "OOD", "Against untouched"]
    assert rows[0][0] == "untouched"
    assert {row[0] for row in rows} == {"untouched", "mind", "uniform"}
    assert rows[0][-1] == "-"
    assert all(row[-1].startswith("ID ") and ", OOD " in row[-1] for row in rows[1:])


def test_the_untouched_model_and_the_best_in_distribution_stand_there() -> None:
    text = readme_students.readme_students(taught(MANY))
    _, *rows = lines(text)
    assert [row[0] for row in rows] == ["untouched", *MANY[:2:-1]]
    assert "6 of 9 rows" in text


def test_whom_the_readme_names_stands_there_however_bad() -> None:
    _, *rows = lines(readme_students.readme_students(taught(MANY), keep=["method_a"]))
    assert [row[0] for row in rows] == ["untouched", *MANY[:3:-1], "method_a"]


def test_single_seeds_stay_out() -> None:
    exams = [*taught(["several"]), exam("alone", scores={"sums": [1.0] * 20, "dates": [1.0] * 4})]
    assert "alone" not in readme_students.readme_students(exams)
    assert readme_students.readme_students(taught(["one"], seeds=1)) == readme_students.NOTHING
    assert readme_students.readme_students([]) == readme_students.NOTHING


def test_one_corpus_stands_there_the_one_with_most_exams() -> None:
    other = [exam("rare", seed, corpus_sha256="ee" * 32) for seed in (0, 1)]
    text = readme_students.readme_students([*three_students(), *other])
    assert "rare" not in text
    assert "uniform" in text


def test_a_student_examined_in_two_layouts_stands_there_once_as_most_sat() -> None:
    now = taught(["mind", "uniform"])
    before = taught(["mind", "uniform"], layout="packed", later=-1)[:-1]
    told = readme_students.readme_students([*before, *now])
    assert [row[0] for row in lines(told)[1:]] == ["untouched", "uniform", "mind"]
    assert told == readme_students.readme_students(now)


def test_missing_seeds_are_counted() -> None:
    lost = Progress(kinds={}, exams=(MissingExam(model="toy", student="mind", training_seed=2),))
    _, *rows = lines(readme_students.readme_students(three_students(), lost))
    assert {row[0]: row[1] for row in rows} == {"untouched": "-", "mind": "2 of 3", "uniform": "2"}


# --- the file ---


@pytest.mark.parametrize("block", ["leaderboard", "students"])
@pytest.mark.parametrize("names", ["", ": eagle2, mind"])
def test_the_block_is_replaced_and_nothing_else(block: str, names: str, make_heat: Heat, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    around = f"before\n<!-- other -->\nkept\n<!-- /other -->\n<!-- {block}{names} -->\n{{}}<!-- /{block} -->\nafter\n"
    readme.write_text(around.format("old \\1\n"))
    for _ in range(2):
        if block == "students":
            readme_students.update_students_readme(readme, three_students())
            told = readme_students.readme_students(three_students())
        else:
            readme_decoders.update_readme(readme, leaderboard(make_heat()))
            told = readme_decoders.readme_decoders(leaderboard(make_heat()))
    assert readme.read_text() == around.format(f"{told}\n")
    assert names_of_block(readme, block) == (("eagle2", "mind") if names else ())


@pytest.mark.parametrize("text", ["none", "<!-- students --> " * 2, "<!-- students --><!-- /students -->" * 2])
def test_a_readme_without_exactly_one_block_is_left_alone(text: str, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(text)
    with pytest.raises(ValueError, match="expected one block from <!-- students -->"):
        readme_students.update_students_readme(readme, three_students())
    with pytest.raises(ValueError, match="expected one block from <!-- leaderboard -->"):
        readme_decoders.update_readme(readme, pd.DataFrame(columns=fields(COLUMNS)))
    assert readme.read_text() == text


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    name = "=HYPERLINK(1)|x`<script>\n# [a](javascript:b) ![c](d) <!-- /students -->"
    readme = tmp_path / "README.md"
    readme.write_text("<!-- students -->\n<!-- /students -->\n")
    for _ in range(2):
        readme_students.update_students_readme(readme, taught([name, "plain"]))
    text = readme.read_text()
    lines(text)
    assert "<script>" not in text
    assert "\n# [" not in text
    assert "](" not in text.replace("\\](", "")
    assert text.count("<!-- /students -->") == 1
