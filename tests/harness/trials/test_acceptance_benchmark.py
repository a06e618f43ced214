"""Acceptance of drafters on development prompts: the pooled line is tokens over rounds of the suites' lines."""

import re
from types import SimpleNamespace

import pytest

from offbook.engine.decoding.replay import Proposal
from offbook.engine.decoding.tree import Tree
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.progress import Silent
from offbook.harness.artifacts import drafters
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.target import load_target
from offbook.harness.trials import acceptance_benchmark
from offbook.harness.trials.acceptance_benchmark import line, measure, of_size, ways
from tests.tiny import save_tiny


class Said(Silent):
    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def test_a_line_counts_tokens_over_rounds_and_what_is_outside():
    def proposal(*committed, seconds):
        return Proposal(Tree((0,), (-1,)), committed, 9, seconds)

    answers = [SimpleNamespace(answer=(1, 2, 3, 4)), SimpleNamespace(answer=(5, 6))]
    replayed = [[proposal(2, 3, seconds=9.0), proposal(4, seconds=0.004)], [proposal(6, seconds=9.0)]]
    assert line(replayed, answers, {1, 2, 5, 6, 7}) == {
        "prompts": "2",
        "tokens": "6",
        "rounds": "3",
        "acceptance_length": "1.333",
        "outside": "0.3333",
        "draft_ms": "4.00",  # a first round also reads the prompt
    }


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return load_target(str(save_tiny(tmp_path_factory.mktemp("acceptance") / "tiny")))


def test_trained_drafters_are_measured_suite_by_suite_and_pooled(target, tmp_path):
    answers = [Answer(id=str(i), prompt_tokens=(1, 2, 3), answer_tokens=tuple(range(i, i + 12))) for i in range(8)]
    config = TrainingConfig(epochs=1, batch_size=4, draft_vocab_size=64, max_length=32)
    said = Said()
    folder = drafters.train(contender("eagle2"), target, answers, config, tmp_path / "drafter", progress=said)
    assert re.search(r"outside the draft vocabulary of 64: [0-9.]+ % of training prompts", said.lines[-1])
    rows = measure(target, {"eagle2": folder}, nodes=8, prompts=7, tokens=6, progress=Silent())
    pooled, *suites = rows
    assert [row["suite"] for row in suites] == ["chat", "maths", "code", "summarisation", "qa", "extraction"]
    for column in ("prompts", "tokens", "rounds"):
        assert int(pooled[column]) == sum(int(row[column]) for row in suites)
    assert int(pooled["prompts"]) == 7
    assert 1 <= float(pooled["acceptance_length"]) <= 7
    assert {row["layout"] for row in rows} == {target.backbone.layout.name}


@pytest.mark.slow
def test_drafters_that_may_know_the_noise_are_measured_both_ways_above_temperature_0(target, tmp_path):
    answers = [Answer(id=str(i), prompt_tokens=(1, 2, 3), answer_tokens=tuple(range(i, i + 12))) for i in range(8)]
    config = TrainingConfig(epochs=1, batch_size=4, draft_vocab_size=64, max_length=32)
    folder = drafters.train(contender("eagle2"), target, answers, config, tmp_path / "drafter")
    given = {"nodes": 8, "prompts": 2, "tokens": 6, "progress": Silent()}
    pooled = [row for row in measure(target, {"eagle2": folder}, temperature=1.0, **given) if row["suite"] == "all"]
    assert [(row["temperature"], row["coupled"]) for row in pooled] == [("1", "no"), ("1", "yes")]
    assert {row["coupled"] for row in measure(target, {"eagle2": folder}, **given)} == {""}
    assert ways(contender("ngram_table"), 1.0) == (None,)


def test_counted_drafters_are_measured_with_trees_of_as_many_nodes(target, tmp_path):
    answers = [Answer(id=str(i), prompt_tokens=(1, 2, 3), answer_tokens=tuple(range(i, i + 12))) for i in range(8)]
    chosen = contender("ngram_table")
    folder = drafters.train(chosen, target, answers, TrainingConfig(), tmp_path / "drafter")
    pooled, *_ = measure(target, {"ngram_table": folder}, nodes=8, prompts=2, tokens=6, progress=Silent())
    assert pooled["outside"] == ""
    assert pooled["nodes"] == "8"
    assert of_size(chosen, 8) == {"nodes": 7, "least": 0.0}
    assert of_size(contender("token_recycling"), 8) == {"nodes": 7}
    assert of_size(contender("jakiro"), 8) == {"total_tokens": 8}


def test_who_needs_no_drafter_is_measured_too(target):
    given = {"nodes": 8, "prompts": 2, "tokens": 6, "progress": Silent()}
    found = measure(target, {"suffix": None, "prompt_lookup": None}, **given)
    assert [row["decoder"] for row in found if row["suite"] == "all"] == ["suffix", "prompt_lookup"]
    assert of_size(contender("prompt_lookup"), 8) == {"num_tokens": 7}


def test_who_says_nothing_in_a_replay_is_refused(target):
    given = {"nodes": 8, "prompts": 1, "tokens": 4, "progress": Silent()}
    with pytest.raises(ValueError, match="autoregressive: expected a decoder with one of the settings nodes"):
        measure(target, {"autoregressive": None}, **given)
    with pytest.raises(ValueError, match="eagle: expected candidates that are a function of the text, got drawn ones"):
        measure(target, {"eagle": None}, temperature=1.0, **given)


def test_the_command_asks_whom_to_measure_before_it_loads_a_model(monkeypatch, capsys):
    monkeypatch.setattr(acceptance_benchmark, "load_target", lambda *a, **k: pytest.fail("it was loaded"))
    monkeypatch.setattr("sys.argv", ["acceptance", "acc.csv"])
    with pytest.raises(SystemExit) as end:
        acceptance_benchmark._main()
    assert end.value.code == 2
    assert "expected --drafter DECODER=FOLDER or --decoder NAME, got neither" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["acceptance", "acc.csv", "--decoder", "nobody"])
    with pytest.raises(ValueError, match="nobody"):
        acceptance_benchmark._main()
