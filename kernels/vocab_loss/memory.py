"""How much memory the loss of a head takes beyond its inputs: `python -m offbook.kernels.vocab_loss.memory`.

Forward and backward, in a process of its own each, in one pass and by all logits at once. What is measured is the peak
of the memory that a process occupies, from before the loss on, as Linux counts it; so it is of the CPU.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn import functional

from offbook.kernels.vocab_loss import vocab_loss

STATUS, REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def main(argv: Sequence[str] | None = None) -> None:
    """Print a line a way, and how many times as much the second takes."""
    parser = argparse.ArgumentParser(prog="python -m offbook.kernels.vocab_loss.memory", description=__doc__)
    parser.add_argument("--tokens", type=int, default=8_192)
    parser.add_argument("--hidden", type=int, default=576, help="of the embedded model, SmolLM2-135M")
    parser.add_argument("--vocabulary", type=int, default=49_152)
    parser.add_argument("--budget", type=int, default=None, help="bytes of logits at a time, in one pass")
    parser.add_argument("--way", choices=list(WAYS), help="only measure, in this process, and print bytes")
    chosen = parser.parse_args(argv)
    sizes = (chosen.tokens, chosen.hidden, chosen.vocabulary)
    if chosen.way is not None:
        print(taken(chosen.way, *sizes, chosen.budget))
        return
    found = in_processes_of_their_own(*sizes, chosen.budget)
    print(f"{sizes[0]} tokens, hidden size {sizes[1]}, vocabulary {sizes[2]}, float32, forward and backward")
    for way, size in found.items():
        print(f"{way:>10}: {size / 2**20:8.1f} MiB beyond the inputs")
    print(f"ratio: {found['all logits'] / found['one pass']:.1f}")


def in_processes_of_their_own(tokens: int, hidden: int, vocabulary: int, budget: int | None = None) -> dict[str, int]:
    """Bytes that each way takes at most beyond its inputs."""
    sizes = ("--tokens", tokens, "--hidden", hidden, "--vocabulary", vocabulary)
    more = () if budget is None else ("--budget", budget)
    found = {}
    for way in WAYS:
        command = [sys.executable, "-m", "offbook.kernels.vocab_loss.memory", "--way", way, *map(str, sizes + more)]
        found[way] = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def taken(way: str, tokens: int, hidden: int, vocabulary: int, budget: int | None) -> int:
    """Bytes, in this process."""
    for one in (64, tokens):  # first of few tokens, which pays for what torch makes once
        draw = torch.Generator().manual_seed(0)
        states = torch.randn(one, hidden, generator=draw, requires_grad=True)
        head = torch.randn(vocabulary, hidden, generator=draw, requires_grad=True)
        labels = torch.randint(vocabulary, (one,), generator=draw)
        weights = torch.rand(one, generator=draw)
        before = _begin()
        WAYS[way](states, head, labels, weights, budget).backward()
        peak = _status("VmHWM")
    return peak - before


def _one_pass(
    states: torch.Tensor, head: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, budget: int | None
) -> torch.Tensor:
    return vocab_loss(states, head, labels, weights, budget=budget).loss


def _all_logits(
    states: torch.Tensor, head: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, budget: int | None
) -> torch.Tensor:
    return (functional.cross_entropy(functional.linear(states, head), labels, reduction="none") * weights).sum()


WAYS = {"one pass": _one_pass, "all logits": _all_logits}


def _begin() -> int:
    """What is occupied now, from where the peak is counted anew."""
    REFERENCES.write_text("5")
    return _status("VmRSS")


def _status(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    assert found is not None, f"{STATUS} has no {name}"
    return int(found[1]) * 1024


if __name__ == "__main__":
    main()
