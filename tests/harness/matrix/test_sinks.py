"""Experiment trackers are told of every trial; one that fails, or is not there, costs no record."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from offbook.engine.progress import Silent
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.running import run_plan
from offbook.harness.matrix.sinks import open_sink
from offbook.harness.records.store import Store
from tests.matrices import matrix
from tests.tiny import save_tiny


@pytest.fixture(scope="module")
def graph(tmp_path_factory) -> Graph:
    content = {
        "models": {str(save_tiny(tmp_path_factory.mktemp("sinks") / "tiny")): {}},
        "decoders": {"autoregressive": {}, "prompt_lookup": {}},
        "suites": {"qa": {"max_new_tokens": 4, "limit": 1}},
        "seeds": [0, 1],
    }
    return plan(matrix(content))


class Tracker:
    """Remembers what it was called with; `log` may fail."""

    def __init__(self, fails: bool = False) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.fails = fails

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **settings: Any) -> None:
            self.calls.append((name, arguments or settings))
            if self.fails and name == "log":
                msg = "the server\nis gone"
                raise ConnectionError(msg)

        return call


class Heard(Silent):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.mark.parametrize("kind", ["trackio", "wandb", "mlflow"])
def test_a_tracker_is_told_of_every_trial_and_closed(kind, graph, tmp_path: Path, monkeypatch):
    tracker = Tracker()
    monkeypatch.setitem(sys.modules, kind, tracker)
    run_plan(graph, tmp_path / "run", Silent(), device="cpu", sink=kind)
    names = [name for name, _ in tracker.calls]
    if kind == "mlflow":
        assert names == ["set_experiment", "start_run", "log_metrics", "log_metrics", "end_run"]
    else:
        assert names == ["init", "log", "log", "finish"]
        assert tracker.calls[0][1] == {"project": "offbook", "name": "run"}
    told = [given[0] for name, given in tracker.calls if name.startswith("log")]
    for seed, numbers in enumerate(told):
        where = f"offbook_qa at temperature 0, with seed {seed}"
        assert numbers[f"{where}/autoregressive/acceptance_length"] == 1.0
        assert numbers[f"{where}/prompt_lookup/tokens_per_s"] > 0


def test_a_tracker_that_fails_is_told_of_once_and_the_run_goes_on(graph, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", Tracker(fails=True))
    heard = Heard()
    assert run_plan(graph, tmp_path / "run", heard, device="cpu", sink="wandb").done == 2
    assert heard.lines.count("--sink wandb is told nothing more: ConnectionError: the server is gone") == 1
    assert len(Store(tmp_path / "run").cells()) == 4


def test_a_tracker_that_is_not_there_or_will_not_open_is_refused_in_one_line(graph, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(ValueError, match=r"--sink trackio: expected it to be installed.*offbook\[trackio\]"):
        run_plan(graph, tmp_path / "run", Silent(), device="cpu", sink="trackio")
    assert Store(tmp_path / "run").cells() == []

    def refuse(**_: Any) -> None:
        msg = "no key\nfound"
        raise RuntimeError(msg)

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=refuse))
    with pytest.raises(ValueError, match="--sink wandb: expected it to open a run, got RuntimeError: no key found; "):
        open_sink("wandb", "run")
