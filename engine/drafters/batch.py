"""Sequences of the target's own words as a drafter's training reads them.

Row i of a sequence t_0 .. t_{S-1} with features f_0 .. f_{S-1} is the pair (a_i, t_{i+1}), and predicts t_{i+2}.
a_i are the target's states of the drafter's taps, side by side; f_i is the last one, which the head reads, and the same
for many a drafter. A row counts where the token it predicts belongs to the answer and to the draft vocabulary.

Shapes: B sequences, S tokens, T = S - 1 rows, F taps x H, H hidden.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch.nn import functional

from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.drafters.features import Features


@dataclass(frozen=True, kw_only=True)
class DraftBatch:
    """Sequences padded on the right, fp32.

    Attributes:
        tokens_BS: target ids, 0 behind the end.
        embeds_BTH: target embeddings of t_{i+1}.
        inputs_BTF: states a_i, noisy where the drafter is trained with noise, which the network reads.
        features_BSH: features f_i without noise, whose law the network is to predict.
        following_BT: which rows count for the next position.
        later_BT: ... and for the one after it, t_{i+3}.
    """

    tokens_BS: torch.Tensor
    embeds_BTH: torch.Tensor
    inputs_BTF: torch.Tensor
    features_BSH: torch.Tensor
    following_BT: torch.Tensor
    later_BT: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class LearnedRows:
    """What a training has of one sequence.

    Attributes:
        rows: how many there are, T.
        following: those that count for the next position.
    """

    rows: int
    following: tuple[int, ...]

    def later(self, ahead: int) -> int:
        """How many rows count for the position so many places behind the next."""
        return sum(row >= ahead for row in self.following)


def kept_taps(taps: Sequence[int]) -> tuple[int, ...]:
    """The states that a training keeps: those that the drafter reads, and the last one behind them."""
    return (*taps,) if taps[-1] == -1 else (*taps, -1)


@dataclass(frozen=True)
class DraftData:
    """Answers with their sequences and the states of `kept_taps`, from which batches are made."""

    answers: Sequence[Answer]
    sequences: Sequence[Sequence[int]]
    features: Features
    token_ids: torch.Tensor
    embedding_VH: torch.Tensor
    taps: tuple[int, ...] = (-1,)

    def batch(self, rows: Sequence[int], config: TrainingConfig, generator: torch.Generator | None) -> DraftBatch:
        """Rows padded on the right, fp32; noise is added where there is a generator."""
        longest = max(len(self.sequences[i]) for i in rows)
        device, hidden = self.embedding_VH.device, self.embedding_VH.shape[1]
        width = len(self.taps) * hidden
        found = self.features.batch(rows)
        tokens = torch.zeros(len(rows), longest, dtype=torch.long)
        counts = torch.zeros(len(rows), longest, dtype=torch.bool)
        states = torch.zeros(len(rows), longest, found[0].shape[1])
        noise = torch.zeros(len(rows), longest, width)
        for row, (i, f) in enumerate(zip(rows, found, strict=True)):
            sequence, length = torch.tensor(self.sequences[i]), len(self.sequences[i])
            tokens[row, :length] = sequence
            counts[row, :length] = self._counts(i)
            states[row, :length] = f  # cast
            if generator is not None:
                uniform = torch.rand(length, width, generator=generator) - 0.5
                noise[row, :length] = uniform * (config.noise * 512 / max(length, config.noise_from))
        tokens, states = tokens.to(device), states.to(device)
        return DraftBatch(
            embeds_BTH=functional.embedding(tokens[:, 1:], self.embedding_VH.detach()).float(),
            inputs_BTF=(states[..., :width] + noise.to(device))[:, :-1],
            features_BSH=states[..., -hidden:],
            tokens_BS=tokens,
            following_BT=functional.pad(counts[:, 2:], (0, 1)).to(device),
            later_BT=functional.pad(counts[:, 3:], (0, 2)).to(device),
        )

    def learned(self, i: int) -> LearnedRows:
        """The rows of a sequence."""
        counts = self._counts(i)[2:].nonzero().flatten()
        return LearnedRows(rows=len(self.sequences[i]) - 1, following=tuple(counts.tolist()))

    def _counts(self, i: int) -> torch.Tensor:
        """Which tokens of a sequence are the answer's and in the draft vocabulary, (S,)."""
        counts: torch.Tensor = self._in_vocabulary[torch.tensor(self.sequences[i])]
        counts[: len(self.answers[i].prompt_tokens)] = False
        return counts

    @cached_property
    def _in_vocabulary(self) -> torch.Tensor:
        known = torch.zeros(self.embedding_VH.shape[0], dtype=torch.bool)
        known[self.token_ids] = True
        return known
