"""Operations, their bench and their tests for a GPU, where most of what the rest needs is not installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from offbook import kernels

ROOT = Path(__file__).parents[2]
ABSENT = (
    *("accelerate", "annotated_types", "datasets", "gguf", "hypothesis", "lm_eval", "matplotlib", "pandas", "peft"),
    *("platformdirs", "pyarrow", "pydantic", "pytest_benchmark", "pytest_timeout", "scipy", "sklearn", "submitit"),
    *("tabulate", "xdist"),
)
# Python imports `sitecustomize` when it starts; here it hides packages from whoever looks for them.
HIDING = """
import sys

class Hiding:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {absent} else self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]
"""

EVERY_DRAFTER = """
from transformers import AutoModelForCausalLM, LlamaConfig
from offbook.engine.decoding.backbone import Backbone
from offbook.harness.roster.random_drafters import UNTRAINED

sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}
backbone = Backbone(AutoModelForCausalLM.from_config(LlamaConfig(vocab_size=60, **sizes)))
assert UNTRAINED
assert all(drafter.build(backbone).max_nodes > 1 for drafter in UNTRAINED.values())
"""


@pytest.fixture
def run_without(tmp_path):
    """Runs Python from the root of the checkout, without some packages and without a setting of this process."""

    def run(*arguments: str, absent: tuple[str, ...] = ABSENT) -> subprocess.CompletedProcess:
        (tmp_path / "sitecustomize.py").write_text(HIDING.replace("{absent}", repr(set(absent))), encoding="utf-8")
        ours = ("OFFBOOK_", "TRITON_", "PYTEST_", "COV_")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environ |= {"PYTHONPATH": f"{tmp_path}{os.pathsep}src", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    return run


def test_packages_can_be_hidden(run_without):
    answer = run_without("-c", "import json, torch, pydantic")
    assert answer.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'pydantic'"


def test_pytest_finds_the_tests_for_a_gpu(run_without):
    answer = run_without("-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider")
    told = answer.stdout + answer.stderr
    assert answer.returncode == 0, told
    assert "test_tiles.py" in told
    assert "test_rounds_by_kernels.py" in told
    assert "error" not in told.lower()
    assert "no CUDA device here" in told or "passed" in told


def test_the_bench_starts_and_names_its_cases(run_without, tmp_path):
    arguments = ("--device", "cpu", "--minutes", "0", "--out", str(tmp_path / "cpu.csv"))
    answer = run_without("-m", "offbook.kernels.bench", *arguments)
    assert answer.returncode == 0, answer.stderr
    assert "measurements are missing" in answer.stdout


def test_every_operation_needs_torch_alone(run_without):
    ops = sorted(path.parent.name for path in Path(kernels.__file__).parent.glob("*/reference.py"))
    assert len(ops) >= 6
    code = "; ".join(f"import offbook.kernels.{op}" for op in ops)
    answer = run_without("-c", code, absent=(*ABSENT, "safetensors", "tokenizers", "transformers", "triton"))
    assert answer.returncode == 0, answer.stderr


def test_whole_rounds_need_no_more_than_a_gpu_machine_has(run_without):
    modules = ("engine.decoding.decode", "harness.trials.rounds_benchmark", "harness.trials.gpu_benchmark")
    answer = run_without("-c", "\n".join([*(f"import offbook.{module}" for module in modules), EVERY_DRAFTER]))
    assert answer.returncode == 0, answer.stderr
