"""The target's hidden states over prompt and answer, those of some taps: what a feature-level drafter learns from.

One teacher-forced forward per sequence through the same backbone that decodes. Cached, they cost
taps x hidden size x 4 bytes a token on disk (fp32); online, the forward is paid again every epoch, nothing is stored. A
file is named by the hash of its target, its taps and its sequences, so that none is read as another's.
"""

import hashlib
import json
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.tensor_file import read_tensors, write_tensors

SHARD = 64  # sequences a file


class Features:
    """Features (S, taps x H) by sequence index; computed on demand, kept in `folder` if there is one."""

    def __init__(
        self,
        backbone: Backbone,
        sequences: Sequence[Sequence[int]],
        folder: Path | None,
        *,
        target: str,
        taps: Sequence[int] = (-1,),
    ) -> None:
        self._backbone = backbone
        self._sequences = sequences
        self._folder = folder
        self._taps = tuple(taps)
        of_taps = "" if self._taps == (-1,) else f"/{self._taps}"
        self._target = f"{target}/{backbone.embedding_VH.dtype}{of_taps}"
        self._memory: dict[int, torch.Tensor] = {}

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.batch([index])[0]

    def batch(self, indices: Sequence[int]) -> list[torch.Tensor]:
        """Features of several sequences."""
        missing = [i for i in indices if i not in self._memory]
        computed = dict(
            zip(
                missing,
                compute_features(self._backbone, [self._sequences[i] for i in missing], taps=self._taps),
                strict=True,
            )
        )
        return [self._memory[i] if i in self._memory else computed[i] for i in indices]

    def prepare(self, progress: Callable[[int, int], None]) -> None:
        """Computes what the cache folder lacks, shard by shard (resumable), and loads it all.

        In an order of this process's own, so that processes which need the same at once do little of it twice.
        """
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        total = len(self._sequences)
        starts = [*range(0, total, SHARD)]
        for done, start in enumerate(random.Random(os.getpid()).sample(starts, len(starts)), start=1):
            rows = range(start, min(start + SHARD, total))
            digest = hashlib.sha256(
                json.dumps([self._target, *(list(self._sequences[i]) for i in rows)]).encode()
            ).hexdigest()[:16]
            path = self._folder / f"features-{start:06d}-{digest}.safetensors"
            if not path.exists():
                tensors = compute_features(self._backbone, [self._sequences[i] for i in rows], taps=self._taps)
                write_tensors(path, {str(i): t for i, t in zip(rows, tensors, strict=True)}, sealed=True)
            self._memory |= self._read(path, rows)
            progress(min(done * SHARD, total), total)

    def _read(self, path: Path, rows: range) -> dict[int, torch.Tensor]:
        """A shard, checked against the sequences it is of."""
        remedy = "delete it, and it is made anew"
        found, _ = read_tensors(path, remedy=remedy, sealed=True)
        width = self._backbone.embedding_VH.shape[1] * len(self._taps)
        if {i: t.shape for i, t in found.items()} != {str(i): (len(self._sequences[i]), width) for i in rows}:
            msg = f"{path}: expected features of sequences {rows.start} to {rows.stop - 1}, got others; {remedy}"
            raise ValueError(msg)
        return {int(i): t for i, t in found.items()}


@torch.inference_mode()
def compute_features(
    backbone: Backbone, sequences: Sequence[Sequence[int]], *, rows: int = 2048, taps: Sequence[int] = (-1,)
) -> list[torch.Tensor]:
    """Features (S, taps x H) of each sequence, on the CPU; about `rows` token rows go through the target at once."""
    backbone.use_tree_attention()
    order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
    features: dict[int, torch.Tensor] = {}
    while order:
        batch = [order.pop()]  # the longest that is left
        longest = len(sequences[batch[0]])
        while order and (len(batch) + 1) * longest <= rows:
            batch.append(order.pop())
        padded = torch.zeros(len(batch), longest, dtype=torch.long)
        for row, i in enumerate(batch):
            padded[row, : len(sequences[i])] = torch.tensor(sequences[i])
        cache = backbone.new_cache(longest)  # causal rows never see the padding to their right
        states = backbone.forward(padded.to(backbone.device), cache, logits_for=1).states
        output = torch.cat([states[tap] for tap in taps], dim=-1)
        for row, i in enumerate(batch):
            features[i] = output[row, : len(sequences[i])].clone().cpu()
    return [features[i] for i in range(len(sequences))]
