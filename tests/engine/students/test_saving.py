"""Which number format a trained student is stored in, and that what is stored is what was scored."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from offbook.engine.decoding.layouts.packed import PackedLayout
from offbook.engine.finite import logits_not_finite
from offbook.engine.pretrained import load
from offbook.engine.students.parts import train_part
from offbook.engine.students.saving import round_to_bf16
from offbook.engine.students.train import train_student
from offbook.kernels.native_library import native_available
from tests.engine.students.test_student_training import job, objective, record, weights
from tests.tiny import tiny_model


class Scores:
    """Tells one score after the other, and keeps the weights that were scored."""

    def __init__(self, *scores: float) -> None:
        self._scores = iter(scores)
        self.seen: list[dict[str, torch.Tensor]] = []

    def __call__(self, student: Any) -> float:
        self.seen.append({name: value.clone() for name, value in student.state_dict().items()})
        score = next(self._scores)
        if math.isnan(score):
            raise logits_not_finite()
        return score


def stored_dtypes(folder: Path) -> set[str]:
    with safe_open(folder / "model.safetensors", "pt") as file:
        return {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118  # no mapping


@pytest.mark.parametrize("lora_rank", [0, 4])
@pytest.mark.parametrize("rounded", [0.5, 0.6])
def test_a_student_whose_score_does_not_fall_by_rounding_is_stored_in_bf16(
    lora_rank: int, rounded: float, tmp_path: Path
) -> None:
    scores = Scores(0.2, 0.5, 0.1, rounded)
    folder = train_student(job(tmp_path / "s", scores, lora_rank=lora_rank, averaging=0.0), "plain", objective())
    content = record(folder)
    assert content["saved_dtype"] == "bfloat16"
    assert content["dtype_scores"] == {"float32": 0.5, "bfloat16": rounded}
    assert content["kept_score"] == 0.5
    assert [entry["score"] for entry in content["evaluations"]] == [0.2, 0.5, 0.1], "of the training alone"
    assert stored_dtypes(folder) == {"BF16"}
    assert json.loads((folder / "config.json").read_text())["dtype"] == "bfloat16"
    examined = weights(folder)
    assert all(torch.equal(value, scores.seen[-1][name]) for name, value in examined.items()), "what was scored"
    if lora_rank == 0:
        assert all(torch.equal(value, scores.seen[1][name].bfloat16().float()) for name, value in examined.items())


@pytest.mark.parametrize(
    ("rounded", "told"), [(0.4, {"float32": 0.5, "bfloat16": 0.4}), (float("nan"), {"float32": 0.5})]
)
def test_a_student_whose_score_falls_by_rounding_keeps_its_weights(
    rounded: float, told: dict[str, float], tmp_path: Path
) -> None:
    scores = Scores(0.2, 0.5, 0.1, rounded)
    folder = train_student(job(tmp_path / "s", scores, averaging=0.0), "plain", objective())
    assert record(folder)["saved_dtype"] == "float32"
    assert record(folder)["dtype_scores"] == told
    assert stored_dtypes(folder) == {"F32"}
    assert json.loads((folder / "config.json").read_text())["dtype"] == "float32"
    assert all(torch.equal(value, scores.seen[1][name]) for name, value in weights(folder).items())


def test_both_scores_are_taken_in_the_precision_of_the_training(tmp_path: Path) -> None:
    used: list[bool] = []

    def score(student: Any) -> float:
        used.append(torch.is_autocast_enabled("cpu"))
        return 0.0

    train_student(job(tmp_path / "s", score, mixed_precision="bf16", evaluations=1), "plain", objective())
    assert used == [True, True]


def test_a_training_that_was_stopped_while_rounded_weights_were_scored_is_saved_by_the_next_call(
    tmp_path: Path,
) -> None:
    class StoppedError(Exception):
        pass

    def stop_at_the_fourth(_: Any) -> float:
        if len(scores.seen) == 3:
            raise StoppedError
        return scores(_)

    scores = Scores(0.1, 0.2, 0.3, 0.3)
    with pytest.raises(StoppedError):
        train_student(job(tmp_path / "s", stop_at_the_fourth), "plain", objective())
    assert {path.name for path in (tmp_path / "s").iterdir()} == {"state"}
    folder = train_student(job(tmp_path / "s", scores), "plain", objective())
    assert record(folder)["dtype_scores"] == {"float32": 0.3, "bfloat16": 0.3}
    assert all(torch.equal(value, scores.seen[2][name].bfloat16().float()) for name, value in weights(folder).items())


def test_a_part_is_kept_as_it_is_and_scored_no_more_often(tmp_path: Path) -> None:
    scores = Scores(0.2, 0.5, 0.7)
    part = train_part(job(tmp_path / "s", scores), "first", "plain/first", objective())
    assert "saved_dtype" not in part.record
    assert stored_dtypes(part.folder) == {"F32"}
    assert all(torch.equal(value, scores.seen[2][name]) for name, value in weights(part.folder).items())


def test_rounding_is_that_of_bf16_and_is_done_once(tmp_path: Path) -> None:
    model, exact = tiny_model(), tiny_model()
    round_to_bf16(model)
    for ours, theirs in zip(model.parameters(), exact.parameters(), strict=True):
        assert ours.dtype == torch.float32
        assert torch.equal(ours, theirs.bfloat16().float())
    assert any(not torch.equal(a, b) for a, b in zip(model.parameters(), exact.parameters(), strict=True))


def test_a_stored_student_in_fp32_is_packed_in_bf16_exactly(tmp_path: Path) -> None:
    if not native_available()[0]:
        pytest.skip(f"layout packed: {native_available()[1]}")
    student, _ = load(str(train_student(job(tmp_path / "s"), "plain", objective())))
    assert student.dtype == torch.float32
    assert set(PackedLayout(student).facts["matrices"]) == {"BF16"}  # type: ignore[arg-type]
