"""Counted drafters: which n-grams, in which order, what a checkpoint says, and what is refused."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.checkpoint import TargetName
from offbook.engine.drafters.counted import count_drafter, counted, load_counts
from offbook.engine.drafters.ngrams import CountedArchitecture
from offbook.engine.trained_on import read_trained_on
from offbook.harness.artifacts.tune import development_prompts
from offbook.tasks.prompts import load_prompts

TARGET = TargetName(name="tiny", weights_sha256="0" * 64)
BIGRAMS = CountedArchitecture(name="bigrams", order=2)
ANSWERS = [
    Answer(id="a", prompt_tokens=(1, 2), answer_tokens=(3, 4, 3), prompt="who asks the first of all these questions"),
    Answer(id="b", prompt_tokens=(9,), answer_tokens=(3, 5, 3, 4), prompt="and who asks the last"),
]


@pytest.fixture
def folder(tmp_path):
    return count_drafter(BIGRAMS, ANSWERS, tmp_path / "drafter", target=TARGET, vocab_size=10)


def test_ngrams_end_in_an_answer_and_lie_by_context_then_count_then_token():
    bigrams = counted(ANSWERS, 2)
    assert bigrams.ngrams_GN.tolist() == [[2, 3], [3, 4], [3, 5], [4, 3], [5, 3], [9, 3]]
    assert bigrams.counts_G.tolist() == [1, 2, 1, 1, 1, 1]
    assert counted(ANSWERS, 1).ngrams_GN.tolist() == [[3], [4], [5]]
    assert counted(ANSWERS, 9).ngrams_GN.shape == (0, 9)


def test_what_was_counted_is_loaded_again(folder):
    for n, loaded in enumerate(load_counts(folder, BIGRAMS, vocab_size=10, target=TARGET), start=1):
        assert torch.equal(loaded.ngrams_GN, counted(ANSWERS, n).ngrams_GN)
        assert torch.equal(loaded.counts_G, counted(ANSWERS, n).counts_G)


def test_a_checkpoint_says_what_it_learned_from(folder):
    training = json.loads((folder / "config.json").read_text())["training"]
    assert (training["prompts"], training["answer_tokens"]) == (2, 7)
    assert read_trained_on(folder, training["trained_on"]).holds([ANSWERS[0].prompt])
    assert not read_trained_on(folder, training["trained_on"]).holds(["some other question that nobody asks"])


def test_answers_to_development_prompts_are_not_counted(tmp_path):
    prompts = load_prompts("train")
    answers = [
        Answer(id=p.id, prompt_tokens=(1,), answer_tokens=(i % 7,), prompt=p.prompt) for i, p in enumerate(prompts)
    ]
    folder = count_drafter(BIGRAMS, answers, tmp_path / "drafter", target=TARGET, vocab_size=10)
    training = json.loads((folder / "config.json").read_text())["training"]
    developed = development_prompts(len(prompts))
    assert len(developed) > 40
    assert training["prompts"] == len(prompts) - len(developed)
    (ones, _) = load_counts(folder, BIGRAMS, vocab_size=10, target=TARGET)
    assert int(ones.counts_G.sum()) == training["prompts"]
    learned = read_trained_on(folder, training["trained_on"])
    assert learned.prompts == training["prompts"]


def test_counting_again_changes_nothing_and_other_answers_are_refused(folder):
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert count_drafter(BIGRAMS, ANSWERS, folder, target=TARGET, vocab_size=10) == folder
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == before
    with pytest.raises(ValueError, match="choose another folder"):
        count_drafter(BIGRAMS, ANSWERS[:1], folder, target=TARGET, vocab_size=10)


def test_nothing_to_count_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected an answer to count at least, got none"):
        count_drafter(BIGRAMS, [], tmp_path / "drafter", target=TARGET, vocab_size=10)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"vocab_size": 11}, "expected counts for vocabulary 11, got 10"),
        ({"target": dataclasses.replace(TARGET, weights_sha256="1" * 64)}, "expected a drafter for tiny"),
        (
            {"architecture": CountedArchitecture(name="other", order=2)},
            "expected one of other, got a drafter 'bigr",
        ),
        ({"architecture": CountedArchitecture(name="bigrams", order=3)}, "expected counts of n-grams up to 3, got"),
    ],
)
def test_counts_of_something_else_are_refused(folder, changes, complaint):
    arguments = {"architecture": BIGRAMS, "vocab_size": 10, "target": TARGET} | changes
    with pytest.raises(ValueError, match=complaint):
        load_counts(folder, arguments.pop("architecture"), **arguments)


def test_the_drafter_of_a_base_model_is_taken_where_it_is_welcome(folder):
    student = dataclasses.replace(TARGET, weights_sha256="1" * 64)
    assert load_counts(folder, BIGRAMS, vocab_size=10, target=student, base=TARGET)


@pytest.mark.parametrize(
    "damage",
    [
        {"counts_1": torch.tensor([0, 1, 1], dtype=torch.int32)},
        {"ngrams_1": torch.tensor([[3], [4], [10]], dtype=torch.int32)},
        {"ngrams_2": torch.zeros(6, 3, dtype=torch.int32)},
        {"counts_2": torch.ones(6)},
    ],
)
def test_damaged_counts_are_refused_in_one_line(folder, damage):
    path = folder / "model.safetensors"
    save_file(load_file(path) | damage, path)
    with pytest.raises(ValueError, match="expected counts of n-grams up to 2, got") as told:
        load_counts(folder, BIGRAMS, vocab_size=10)
    assert "\n" not in str(told.value)
