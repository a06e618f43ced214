"""The first line of a board: which models, how large, how many answers at once."""

import pandas as pd
import pytest

from offbook.harness.tables.decoders import leaderboard
from offbook.harness.tables.decoders_markdown import to_markdown
from offbook.harness.tables.models_line import models_line
from offbook.harness.tables.readme_decoders import readme_decoders

ONE = {"parameters": 134_515_008, "batch": 1}


def line(*models: str, heats: dict[str, dict[str, int]] | None = None) -> str:
    rows = [{"model": model, "heat_id": f"h{number}"} for number, model in enumerate(models)]
    return models_line(pd.DataFrame(rows), {name: {"heat": heat} for name, heat in (heats or {}).items()})


def test_one_model_is_told_with_what_its_heats_counted() -> None:
    assert line("mine", "mine", heats={"h0": ONE, "h1": ONE}) == "One 135M model (mine), batch 1."
    assert line("mine", heats={"h0": {"parameters": 1_540_000_000, "batch": 1}}) == "One 1.5B model (mine), batch 1."


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("smollm2-135m-instruct", "One 135M model (smollm2-135m-instruct), batch 1."),
        ("Qwen/Qwen2.5-0.5B", "One 0.5B model (Qwen/Qwen2.5-0.5B), batch 1."),
        ("v2.5b3m4x", "One model (v2.5b3m4x), batch 1."),
    ],
)
def test_records_that_counted_nothing_are_told_by_the_models_name(name: str, said: str) -> None:
    assert line(name) == said


def test_several_models_are_each_told_with_their_size() -> None:
    heats = {"h0": ONE, "h1": {"parameters": 494_032_768, "batch": 4}}
    assert line("b", "a", heats=heats) == "2 models (a of 494M, b of 135M), batch 1, 4."


def test_it_stands_first_on_the_page_and_over_the_readmes_table(make_heat) -> None:
    table = leaderboard(make_heat())
    said = models_line(table, {})
    assert to_markdown(table).startswith(f"# Leaderboard\n\n{said}\n\n")
    assert readme_decoders(table).startswith(said)
