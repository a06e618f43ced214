"""The benchmark of branches: both ways give the same losses, and a line of its table holds together."""

import pytest
import torch

from offbook.engine.students import branches_benchmark
from offbook.engine.students.branches_benchmark import measure
from tests.tiny import tiny_model


def test_a_line_counts_tokens_and_brackets_the_ratio() -> None:
    line = measure(tiny_model(), paths=3, precision="fp32", repeats=3, seed=0)
    tokens_branches, tokens_rows = line["tokens_branches"], line["tokens_rows"]
    assert isinstance(tokens_branches, int)
    assert isinstance(tokens_rows, int)
    assert tokens_branches < tokens_rows
    assert float(str(line["ratio_low"])) <= float(str(line["ratio"])) <= float(str(line["ratio_high"]))


def test_ways_that_disagree_are_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(branches_benchmark.WAYS, "rows", lambda *_: torch.zeros(3))
    with pytest.raises(AssertionError):
        measure(tiny_model(), paths=3, precision="fp32", repeats=3, seed=0)
