"""Two processes make the student that one makes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from offbook.engine.tensor_file import read_tensors
from tests.methods.mind_processes import COMPANION, train

ROOT = Path(__file__).parents[2]
# `accelerate launch --cpu` starts one process unless MPI is there; torch's own launcher sets the same variables.
LAUNCH = (sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2")

METHODS = ("uniform", "uniform, replayed", "uniform, adapters", "mind", "mind, random", "companion")
LIMIT_S = 1500  # for a launch that hangs


def launch(folder: Path, *methods: str) -> subprocess.CompletedProcess[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    module = ("-m", "tests.methods.mind_processes", str(folder), *methods)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    command = [*LAUNCH, "--master_port", str(port), *module]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            out, err = process.communicate(timeout=LIMIT_S)
        except BaseException:
            process.terminate()  # not killed: the launcher ends its workers, which would wait for each other for hours
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def record(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "distillation.json").read_text())
    return content


def check_same(two: Path, one: Path) -> None:
    found, expected = record(two), record(one)
    assert len(found["log"]) == len(expected["log"]) >= 3
    for entry, wanted in zip(found["log"], expected["log"], strict=True):
        assert entry == pytest.approx(wanted, rel=1e-4, abs=1e-5)
    for name in ("gradient_tokens", "distinct_sequences", "steps", "evaluations", "fingerprint"):
        assert found[name] == expected[name]
    parameters = dict(AutoModelForCausalLM.from_pretrained(one).named_parameters())
    for name, value in AutoModelForCausalLM.from_pretrained(two).named_parameters():
        # Stored in bf16, where numbers that differ by rounding may fall on neighbours.
        torch.testing.assert_close(value, parameters[name], rtol=1e-2, atol=1e-5)


@pytest.mark.slow
def test_two_processes_train_the_students_that_one_trains(tmp_path: Path) -> None:
    done = launch(tmp_path / "two", *METHODS)
    assert done.returncode == 0, done.stderr[-3000:]
    for method in METHODS:
        check_same(tmp_path / "two" / method, train(tmp_path / "one" / method, method))
    one, two = (read_tensors(tmp_path / n / "companion" / COMPANION, remedy="")[0] for n in ("one", "two"))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_two_processes_go_on_where_they_were_interrupted(tmp_path: Path) -> None:
    assert "BrokenOffError" in launch(tmp_path, "cut").stderr
    assert not (tmp_path / "cut" / "distillation.json").exists()
    assert [part.name for part in (tmp_path / "cut" / "state").glob("part-*")] == ["part-1"]
    done = launch(tmp_path, "cut")
    assert done.returncode == 0, done.stderr[-3000:]
    found, whole = record(tmp_path / "cut"), record(train(tmp_path / "whole", "mind"))
    assert [entry["score"] for entry in found["evaluations"]] == [0, 0, 1]  # counted anew by the second launch
    assert found["log"] == [pytest.approx(entry, rel=1e-4, abs=1e-5) for entry in whole["log"]]
