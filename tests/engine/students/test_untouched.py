"""The untouched student's costs: taken once, all at once, and shared by all who train that model on that corpus."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from offbook.engine.students import untouched as module
from offbook.engine.students.branches import branch_attention
from offbook.engine.students.learnability import LEARNABILITIES, measure
from offbook.engine.students.paths import encode_corpus
from offbook.engine.students.untouched import of_cost, untouched_table
from tests.baselines.distillation_job import NAMES, TOKENIZER, corpus, job
from tests.tiny import tiny_model


def never(*_: Any) -> torch.Tensor:
    raise AssertionError


def test_every_path_has_every_cost_and_a_missing_one_none(tmp_path: Path) -> None:
    paths = encode_corpus(corpus(), TOKENIZER, max_length=400)
    lacking = [replace(paths[0], responses=(None, *paths[0].responses[1:])), *paths[1:]]
    table = untouched_table(job(tmp_path, corpus()), lacking, NAMES)
    assert table.values.shape == (6, 3, len(LEARNABILITIES))
    assert table.wall_s > 0
    assert table.values[0, 0].isnan().all()
    assert table.values[1:].isfinite().all()
    model = tiny_model()
    with branch_attention(model):
        expected = measure(model, paths[3], [0, 1, 2], ["answer"])
    torch.testing.assert_close(of_cost(table.values, "answer")[3], expected[:, 0])


def test_trainings_of_one_model_and_corpus_share_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = encode_corpus(corpus(), TOKENIZER, max_length=400)

    def table(name: str, names: tuple[str, ...] = NAMES, **changes: Any) -> torch.Tensor:
        one = replace(job(tmp_path / name, corpus()), cache=tmp_path / "cache", **changes)
        return untouched_table(one, paths, names).values

    first = table("first")
    monkeypatch.setattr(module, "untouched_costs", never)
    assert torch.equal(table("another method", identity={"model": "tiny", "encoder": "x"}), first)
    assert len([*(tmp_path / "cache").iterdir()]) == 1
    with pytest.raises(AssertionError):
        table("another model", identity={"model": "other"})
    with pytest.raises(AssertionError):
        table("another corpus", identity={"model": "tiny", "corpus": "other"})
    with pytest.raises(AssertionError):
        table("other perspectives", names=("a", "b", "c"))
