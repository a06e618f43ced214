"""What of a decoder's rounds a device plays: whole ones where its drafter can, of all others the target's half.

Memory and captured graphs serve one document after the other, for to capture a round takes longer than to play many.
"""

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.controller import Controller, Everything
from offbook.engine.decoding.drafter import Drafter, LearningDrafter, WholeRoundDrafter, draws
from offbook.engine.decoding.graph import Memory
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.target_rounds import Target, TargetRounds, size_of
from offbook.engine.decoding.whole_rounds import WholeRounds

AT_ONCE = 1024  # rows by which memory grows that several documents share


class OnDevice:
    """Of a decoder at these settings.

    Args:
        backbone: the target.
        drafter: proposes.
        controller: decides how much of it is verified; None for all.
        sampling: the settings.
        capacity: rows that a document may need, candidates included.
        exact: whether rounds are decided by the exact verifier; else only the target's forward is played.

    Attributes:
        cache: the target's, empty before a document begins.
        halves: the target's half of rounds.
        whole: whole rounds; None where the host has a say in them.
    """

    def __init__(
        self,
        backbone: Backbone,
        drafter: Drafter,
        controller: Controller | None,
        sampling: Sampling,
        *,
        capacity: int,
        exact: bool = True,
    ) -> None:
        self.capacity, self.sampling = capacity, sampling
        self.cache = backbone.new_cache(capacity + size_of(drafter.max_nodes))  # trees are filled up
        target, memory = Target(backbone, self.cache, sampling, tuple(drafter.taps)), Memory()
        self.halves = TargetRounds(target, memory)
        self.whole: WholeRounds | None = None
        alone = exact and isinstance(controller, Everything | None) and not isinstance(drafter, LearningDrafter)
        if alone and isinstance(drafter, WholeRoundDrafter):
            self.whole = WholeRounds(target, drafter, memory)
        self._backbone, self._most = backbone, drafter.max_nodes
        self._judged = {exact, exact and not (draws(drafter) and not sampling.greedy)}

    @torch.inference_mode()
    def make_ready(self) -> None:
        """Plays the target's half once in all sizes and ways in which it may be asked for, so that it is captured."""
        self.cache.count_on_host(0)
        self._backbone.use_tree_attention()
        self._backbone.extend(torch.zeros(1, dtype=torch.int64, device=self._backbone.device), self.cache)
        self.cache.commit(1)  # of any text: now there is memory
        for judged in sorted(self._judged, reverse=True):
            self.halves.make_ready(self._most, judged=judged)
        self.cache.count_on_host(0)


def on_device(
    backbone: Backbone,
    drafter: Drafter,
    controller: Controller | None,
    sampling: Sampling,
    *,
    capacity: int,
    exact: bool = True,
    before: OnDevice | None = None,
) -> OnDevice | None:
    """For one document; None where the target's forward hangs on more than what stays in its place.

    Args:
        backbone: see `OnDevice`.
        drafter: likewise.
        controller: likewise.
        sampling: likewise.
        capacity: likewise.
        exact: likewise.
        before: the same decoder's, of the last document, which is taken again where it fits.
    """
    if not backbone.hangs_on_rows_alone:
        return None
    if before is None or before.sampling != sampling or before.capacity < capacity:
        rows = -(-capacity // AT_ONCE) * AT_ONCE
        return OnDevice(backbone, drafter, controller, sampling, capacity=rows, exact=exact)
    before.cache.count_on_host(0)
    return before
