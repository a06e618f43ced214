"""How far a training is: counts, scores and the log, the questions that come next, and the scores that are due."""

import math
from dataclasses import dataclass, field

import torch

from offbook.engine.students.config import StudentConfig


@dataclass(kw_only=True)
class Run:
    """Where a training stands; what is saved between sittings.

    Attributes:
        epoch, position: of the next question.
        steps: of the optimiser.
        gradient_tokens: spent, replayed ones among them.
        wall_s: seconds, of all sittings.
        best: development score of the weights that are kept; with averaging, the last one.
        kept_tokens: gradient tokens behind them.
        sequences: names of the responses that were learned from, sorted.
        replayed: how many answers of the untouched model were.
        replayed_tokens: of these.
        replay_owed: tokens that are still to be replayed for the questions so far; below 0 where too many were.
        evaluations, log: what the record says.
    """

    epoch: int = 0
    position: int = 0
    steps: int = 0
    gradient_tokens: int = 0
    wall_s: float = 0.0
    best: float = -math.inf
    kept_tokens: int = 0
    sequences: list[str] = field(default_factory=list)
    replayed: int = 0
    replayed_tokens: int = 0
    replay_owed: float = 0.0
    evaluations: list[dict[str, float]] = field(default_factory=list)
    log: list[dict[str, float]] = field(default_factory=list)


def next_questions(count: int, config: StudentConfig, run: Run) -> list[int]:
    """The next of `count` questions in this epoch's order; an epoch's last step may be smaller.

    The order is a function of seed and epoch alone, so that all methods of a seed meet the questions in one order.
    """
    generator = torch.Generator().manual_seed((config.seed * 10_007 + run.epoch) % 2**63)
    order = torch.randperm(count, generator=generator).tolist()
    chosen: list[int] = order[run.position : run.position + config.questions_per_step]
    run.position += len(chosen)
    if run.position >= count:
        run.epoch, run.position = run.epoch + 1, 0
    return chosen


def due(done: float, run: Run, config: StudentConfig, alone: float) -> int:
    """How many development scores there should be behind a step that began at `done`, evenly over the second stage."""
    if done < alone:
        return 0
    begin, budget = int(alone * config.gradient_tokens), config.gradient_tokens
    return (min(run.gradient_tokens, budget) - begin) * config.evaluations // (budget - begin)


def in_mean(done: float, run: Run, config: StudentConfig, alone: float) -> bool:
    """Whether the weights behind a step that began at `done` belong to the mean; those of the last one always do."""
    return done >= alone and run.gradient_tokens > (1 - config.averaging) * config.gradient_tokens
