"""Benchmarks as commands: threads that sleep, and a mistake in one line."""

from pathlib import Path

import pytest

from offbook.harness.trials import acceptance_benchmark, benchmark_command
from offbook.harness.trials.benchmark_command import run

TRIALS = Path(benchmark_command.__file__).parent
ELSEWHERE = {"store", "threads"}  # which load no torch, or measure how threads wait


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules that were to be started in a settled environment."""
    modules: list[str] = []
    monkeypatch.setattr(benchmark_command, "run_settled", modules.append)
    return modules


def test_a_benchmark_runs_in_a_settled_environment(settled: list[str]) -> None:
    run("a.b_benchmark", lambda: settled.append("then"))
    assert settled == ["a.b_benchmark", "then"]


@pytest.mark.parametrize("mistake", [ValueError("expected a, got b; write a"), OSError("expected a, got b; write a")])
def test_a_mistake_is_one_line_and_status_2(mistake: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise mistake

    with pytest.raises(SystemExit) as end:
        run("a.b_benchmark", main)
    assert end.value.code == 2
    assert capsys.readouterr().err == "b_benchmark: error: expected a, got b; write a\n"


def test_every_benchmark_is_run_so() -> None:
    names = {path.stem.removesuffix("_benchmark"): path for path in TRIALS.glob("*_benchmark.py")}
    assert len(names.keys() - ELSEWHERE) >= 8
    for name in names.keys() - ELSEWHERE:
        last = names[name].read_text(encoding="utf-8").rstrip().rpartition("\n")[2]
        assert last.startswith(f'    run("offbook.harness.trials.{name}_benchmark", '), name


@pytest.mark.parametrize("given", [["eagle2"], ["=runs/x"], ["eagle2="], ["eagle2=a", "eagle2=b"]])
def test_a_drafter_without_its_folder_is_refused(given: list[str]) -> None:
    with pytest.raises(ValueError, match="expected DECODER=FOLDER, each decoder once"):
        acceptance_benchmark.folders(given)
    assert acceptance_benchmark.folders(["eagle2=a=b"]) == {"eagle2": Path("a=b")}
