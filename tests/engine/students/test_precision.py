"""Mixed precision: chosen by the machine where it is left to it, and kept to the training's end wherever that is."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from offbook.engine.students import precision
from offbook.engine.students.parts import finish, train_part
from offbook.engine.students.parts import is_finished as is_student_finished
from offbook.engine.students.precision import choose, keep_precision, precision_of, say_precision
from offbook.engine.students.record import RECORD
from offbook.engine.students.train import train_student
from tests.engine.students.test_student_training import StoppedError, job, objective

CPU = torch.device("cpu")
Machine = Callable[..., None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Says whether this machine has bfloat16 in hardware, and is faster with it."""

    def has(able: bool, faster: bool = True) -> None:
        monkeypatch.setattr(precision, "has_bf16", lambda device: able)
        monkeypatch.setattr(precision, "_is_faster_on_this_cpu", lambda: faster)

    return has


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / RECORD).read_text())
    return found


def interrupted(folder: Path) -> None:
    """A training of "auto" that stops behind its first development score."""
    calls: list[None] = []

    def score(_: Any) -> float:
        calls.append(None)
        if len(calls) == 2:
            raise StoppedError
        return 0.0

    with pytest.raises(StoppedError):
        train_student(job(folder, score=score, mixed_precision="auto"), "plain", objective())


def test_auto_is_what_the_machine_has_and_everything_else_is_what_was_asked(machine: Machine) -> None:
    for able, faster, auto in ((True, True, "bf16"), (True, False, "no"), (False, True, "no")):
        machine(able, faster)
        assert (choose("auto", CPU), choose("no", CPU), choose("bf16", CPU)) == (auto, "no", "bf16")


@pytest.mark.parametrize(("bfloat16_ms", "expected"), [(2.0, True), (3.5, False), (8.0, False)])
def test_bfloat16_is_taken_where_its_fastest_product_is_clearly_faster(
    monkeypatch: pytest.MonkeyPatch, bfloat16_ms: float, expected: bool
) -> None:
    took_ms = {torch.float32: 4.0, torch.bfloat16: bfloat16_ms}
    now_s = 0.0

    def linear(x: torch.Tensor, w: torch.Tensor) -> None:
        nonlocal now_s
        held_up = 50.0 if now_s < 0.1 else 0.0  # the first ones, by whatever else runs
        now_s += (took_ms[x.dtype] + held_up) / 1e3

    monkeypatch.setattr(precision, "functional", SimpleNamespace(linear=linear))
    monkeypatch.setattr(precision, "time", SimpleNamespace(perf_counter=lambda: now_s))
    assert precision._is_faster_on_this_cpu.__wrapped__() is expected


@pytest.mark.parametrize("able", [True, False])
def test_a_record_says_what_was_asked_and_what_was_used(tmp_path: Path, machine: Machine, able: bool) -> None:
    machine(able)
    used = "bf16" if able else "no"
    found, same = (
        record(train_student(job(tmp_path / asked, mixed_precision=asked), "plain", objective()))
        for asked in ("auto", used)
    )
    assert (found["config"]["mixed_precision"], found["mixed_precision"]) == ("auto", used)
    assert found["processes"] == 1
    assert found["log"] == same["log"], "auto trains in it, too"


@pytest.mark.parametrize("began", [True, False])
def test_an_unfinished_training_goes_on_in_the_precision_it_began_with(
    tmp_path: Path, machine: Machine, began: bool
) -> None:
    machine(began)
    interrupted(tmp_path / "moved")
    whole = record(train_student(job(tmp_path / "whole", mixed_precision="auto"), "plain", objective()))
    machine(not began)
    moved = record(train_student(job(tmp_path / "moved", mixed_precision="auto"), "plain", objective()))
    assert moved["mixed_precision"] == whole["mixed_precision"] == ("bf16" if began else "no")
    assert moved["log"] == whole["log"]


def test_a_folder_that_began_with_auto_is_no_folder_for_another_setting(tmp_path: Path, machine: Machine) -> None:
    machine(True)
    interrupted(tmp_path)
    with pytest.raises(ValueError, match="choose another folder"):
        train_student(job(tmp_path, mixed_precision="no"), "plain", objective())


def test_all_parts_of_a_student_are_of_one_precision(tmp_path: Path, machine: Machine) -> None:
    machine(True)
    whole = job(tmp_path, mixed_precision="auto")
    assert not is_student_finished(whole, "parts")
    first = train_part(whole, "a", "parts/a", objective())
    machine(False)
    assert not is_student_finished(whole, "parts")
    second = train_part(whole, "b", "parts/b", objective())
    assert train_part(whole, "a", "parts/a", objective()).record == first.record
    finish(whole, "parts", [first, second])
    used = [found["mixed_precision"] for found in (first.record, second.record, record(tmp_path))]
    assert used == ["bf16", "bf16", "bf16"]


def test_a_damaged_note_is_refused_with_its_file(tmp_path: Path) -> None:
    keep_precision(tmp_path, "bf16")
    note = tmp_path / "state" / "precision"
    note.write_bytes(b"\xff?")
    with pytest.raises(ValueError, match=r"state.precision: expected no or bf16, got .* to begin anew"):
        precision_of(tmp_path, "auto", CPU)


@pytest.mark.parametrize(
    ("asked", "began", "able", "faster", "expected"),
    [
        ("auto", None, True, True, "matrices in bfloat16 (mixed precision auto)"),
        ("auto", None, False, True, "matrices in float32 (mixed precision auto)"),
        (
            "auto",
            None,
            True,
            False,
            "float32 (mixed precision auto): faster here than bfloat16, though the machine has",
        ),
        ("no", None, True, True, "matrices in float32 (mixed precision no)"),
        ("bf16", None, False, True, "no bfloat16 in hardware, so it may take 20 times as long: ask for auto or no"),
        ("bf16", None, True, False, "although float32 is faster on this machine: ask for auto or no"),
        ("auto", "bf16", False, True, "it began so elsewhere; delete"),
        ("auto", "bf16", True, False, "as it began so on another machine; here float32 is faster"),
        ("auto", "no", True, True, "as it began so on another machine; here bfloat16 is faster"),
    ],
)
def test_people_are_told_in_one_line(
    tmp_path: Path, machine: Machine, asked: Any, began: Any, able: bool, faster: bool, expected: str
) -> None:
    machine(able, faster)
    if began:
        keep_precision(tmp_path, began)
    line = say_precision(tmp_path, asked, CPU)
    assert expected in line
    assert "\n" not in line
