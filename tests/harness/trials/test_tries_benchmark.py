"""What a decoder accepts under each of its tries: a line for each setting, at every level of the tree."""

import json
from dataclasses import replace

import pytest

from offbook.engine.decoding.generation import Generation, Round, RoundTime
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.progress import Silent
from offbook.harness.artifacts import drafters
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.target import load_target
from offbook.harness.trials.tries_benchmark import LEVELS, line, measure


def test_a_line_counts_rounds_that_accept_at_each_level():
    rounds = (Round(9, 3, 2, 3), Round(9, 1, 0, 1), Round(9, 2, 1, 2))
    times = tuple(RoundTime(draft_s=0.001 * n, target_s=0.01, wall_s=0.02) for n in (1, 2, 9))
    answer = Generation(
        prompt_tokens=3, tokens=tuple(range(7)), prefill_committed=1, finish_reason="length", rounds=rounds,
        draft_forwards=9, prefill_s=1.0, decode_s=3.0, draft_s=0.012, target_s=0.03, peak_bytes=1, times=times,
    )  # fmt: skip
    found = line([answer])
    assert (found["rounds"], found["tokens"], found["acceptance_length"]) == ("3", "6", "2.000")
    assert [found[f"level_{k}"] for k in range(1, LEVELS + 1)] == ["0.667", "0.333", *["0.000"] * (LEVELS - 2)]
    assert (found["draft_ms"], found["round_ms"], found["tokens_per_s"]) == ("2.00", "20.00", "2.00")
    unknown = line([replace(answer, times=tuple(time._replace(draft_s=None) for time in times))])
    assert (unknown["draft_ms"], unknown["round_ms"]) == ("", "20.00")
    assert line([replace(answer, times=())])["round_ms"] == ""


@pytest.fixture(scope="module")
def target(tiny_folder):
    return load_target(tiny_folder, device="cpu", layout="transformers")


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_every_setting_of_a_contender_has_a_line(target, tmp_path, temperature):
    answers = [Answer(id=str(i), prompt_tokens=(1, 2, 3), answer_tokens=tuple(range(i, i + 12))) for i in range(8)]
    config = TrainingConfig(epochs=1, batch_size=4, draft_vocab_size=64, max_length=32)
    chosen = contender("jakiro_decoupled")
    folder = drafters.train(chosen, target, answers, config, tmp_path / "drafter")
    rows = measure(
        target, chosen, folder, nodes=8, prompts=2, tokens=5, temperature=temperature, progress=Silent()
    )  # fmt: skip
    assert [json.loads(row["settings"]) for row in rows] == [dict(one) for one in chosen.tries]
    assert len(rows) == 6
    for row in rows:
        shares = [float(row[f"level_{k}"]) for k in range(1, LEVELS + 1)]
        assert shares == sorted(shares, reverse=True)
        assert (row["prompts"], row["nodes"], row["temperature"]) == ("2", "8", f"{temperature:g}")
        assert 2 <= int(row["rounds"]) <= int(row["tokens"]) <= 8
