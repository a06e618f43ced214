"""The training of Medusa-2: what each stage moves and how fast, what is kept, and what an interruption leaves."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from offbook.baselines.decoding.medusa.network import MedusaHeads
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.drafters.checkpoint import draft_config, load_drafter
from offbook.engine.pretrained import load
from offbook.engine.students.distiller import Job
from tests.baselines.distillation_job import StoppedError, alike, corpus, job, record, timeless
from tests.baselines.medusa2_job import ARCHITECTURES, Tensors, copied, moved, train
from tests.tiny import tiny_model

FILES = ("config.json", "model.safetensors", "trained_on.json")


def watched(work: Job) -> list[tuple[int, Tensors, Tensors]]:
    """Trains; behind every step, and at the start, the tokens spent and the weights of the student and of the heads."""
    networks: list[MedusaHeads] = []

    def build(config: Any) -> MedusaHeads:
        networks.append(MedusaHeads(config))
        return networks[-1]

    untouched = copied(work.student)
    seen: list[tuple[int, Tensors, Tensors]] = []

    def report(done: int, total: int, message: str) -> None:
        if "loss" in message:
            seen.append((done, copied(work.student), copied(networks[0])))

    train(replace(work, report=report), build)
    config = draft_config(Backbone(tiny_model()))
    torch.manual_seed(work.config.seed)
    start = copied(MedusaHeads(config))
    return [(0, untouched, start), *seen]


def test_the_warm_up_moves_the_heads_alone_and_the_rest_moves_both(tmp_path: Path) -> None:
    seen = watched(job(tmp_path / "s", corpus(), {"heads_alone": 0.5}))
    stages = []
    for (done, student, network), (_, then, network_then) in itertools.pairwise(seen):
        stages.append("alone" if done / 1500 < 0.5 else "together")
        assert moved(network, network_then) > 0
        assert (moved(student, then) > 0) == (stages[-1] == "together")
    assert stages == sorted(stages)
    assert {"alone", "together"} == set(stages)


@pytest.mark.parametrize("rate", [4.0, 10.0])
def test_the_students_learning_rate_is_the_heads_divided_by_their_rate(rate: float, tmp_path: Path) -> None:
    options = {"heads_alone": 0.0, "heads_rate": rate}
    (_, *before), (_, *after), *_ = watched(job(tmp_path / "s", corpus(), options))
    student, heads = (moved(one, other) for one, other in zip(before, after, strict=True))
    assert heads / student == pytest.approx(rate, rel=0.02)  # of Adam the first step is the rate


def test_only_weights_that_were_trained_together_are_scored(tmp_path: Path) -> None:
    scored: list[Tensors] = []

    def score(student: nn.Module) -> float:
        scored.append(copied(student))
        return 0.0

    content = record(train(job(tmp_path / "s", corpus(), {"heads_alone": 0.6}, score)))
    assert all(moved(copied(tiny_model()), weights) > 0 for weights in scored)
    assert len(content["evaluations"]) == 3
    assert all(entry["gradient_tokens"] > 0.6 * 1500 for entry in content["evaluations"])
    assert ["language_model" in entry for entry in content["log"]] == sorted(
        "language_model" in e for e in content["log"]
    )


def test_a_budget_that_the_heads_spend_alone_is_refused_in_one_line(tmp_path: Path) -> None:
    work = job(tmp_path / "s", corpus(), gradient_tokens=1, evaluations=1)
    with pytest.raises(ValueError, match="expected steps that train the student") as error:
        train(work)
    assert "\n" not in str(error.value)


def test_training_makes_both_better(tmp_path: Path) -> None:
    work = job(tmp_path / "s", corpus(), {"draft_vocab_size": 100}, gradient_tokens=6000, learning_rate=3e-3)
    log = record(train(work))["log"]
    together = [entry for entry in log if "language_model" in entry]
    assert log[-1]["heads"] < 0.8 * log[0]["heads"]
    assert together[-1]["language_model"] < 0.8 * together[0]["language_model"]


def test_the_heads_that_are_kept_are_those_of_the_best_score(tmp_path: Path) -> None:
    scores, networks, at_score = iter([1.0, 0.0, 0.0, 0.0]), [], []

    def build(config: Any) -> MedusaHeads:
        networks.append(MedusaHeads(config))
        return networks[-1]

    def score(student: nn.Module) -> float:
        at_score.append(copied(networks[0]))
        return next(scores)

    work = job(tmp_path / "s", corpus(), None, score, averaging=0.0)
    folder = train(work, build)
    student, _ = load(str(folder))
    kept = load_drafter(folder / "medusa", Backbone(student), ARCHITECTURES).network.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in at_score[0].items())
    assert moved(at_score[0], at_score[1]) > 0


@pytest.mark.parametrize("lora_rank", [0, 4])
@pytest.mark.parametrize("steps", [1, 6])  # in either stage
def test_an_interrupted_training_ends_as_an_uninterrupted_one(
    steps: int, lora_rank: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offbook.engine.students.train.SAVE_EVERY_S", -1.0)
    options = {"heads_alone": 0.4, "draft_vocab_size": 50, "self_distillation": True}

    def work(name: str) -> Job:
        return job(tmp_path / name, corpus(), options, lora_rank=lora_rank)

    whole = train(work("whole"))
    log = record(whole)["log"]
    assert ["language_model" in log[n] for n in (1, 6)] == [False, True]

    def stop(done: int, total: int, message: str) -> None:
        if done > log[steps]["gradient_tokens"]:
            raise StoppedError

    with pytest.raises(StoppedError):
        train(replace(work("cut"), report=stop))
    cut = train(work("cut"))
    assert timeless(cut) == timeless(whole)
    assert alike(cut, whole)
    for name in FILES:
        assert (cut / "medusa" / name).read_bytes() == (whole / "medusa" / name).read_bytes()
