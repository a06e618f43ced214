"""What of a decoder's rounds a device plays: whole ones where its drafter can, of all others the target's half.

Memory and captured graphs serve one document after the other, for to capture a round takes longer than to play many.
"""

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.controller import Controller, Everything
from offbook.engine.decoding.drafter import Drafter, LearningDrafter, WholeRoundDrafter
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.target_rounds import Target, TargetRounds, size_of
from offbook.engine.decoding.whole_rounds import WholeRounds

AT_ONCE = 1024  # rows by which memory grows that several documents share


class OnDevice:
    """Of a decoder with the exact verifier, at these settings.

    Args:
        backbone: the target.
        drafter: proposes.
        controller: decides how much of it is verified; None for all.
        sampling: the settings.
        capacity: rows that a document may need, candidates included.

    Attributes:
        cache: the target's, empty before a document begins.
        halves: the target's half of rounds.
        whole: whole rounds; None where the host has a say in them.
    """

    def __init__(
        self, backbone: Backbone, drafter: Drafter, controller: Controller | None, sampling: Sampling, *, capacity: int
    ) -> None:
        self.capacity, self.sampling = capacity, sampling
        self.cache = backbone.new_cache(capacity + size_of(drafter.max_nodes))  # trees are filled up
        target = Target(backbone, self.cache, sampling, tuple(drafter.taps))
        self.halves = TargetRounds(target)
        alone = isinstance(controller, Everything | None) and not isinstance(drafter, LearningDrafter)
        self.whole = WholeRounds(target, drafter) if alone and isinstance(drafter, WholeRoundDrafter) else None


def on_device(
    backbone: Backbone,
    drafter: Drafter,
    controller: Controller | None,
    sampling: Sampling,
    *,
    capacity: int,
    before: OnDevice | None = None,
) -> OnDevice | None:
    """For one document; None where the target's forward hangs on more than what stays in its place.

    Args:
        backbone: see `OnDevice`.
        drafter: likewise.
        controller: likewise.
        sampling: likewise.
        capacity: likewise.
        before: the same decoder's, of the last document, which is taken again where it fits.
    """
    if not backbone.hangs_on_rows_alone:
        return None
    if before is None or before.sampling != sampling or before.capacity < capacity:
        return OnDevice(backbone, drafter, controller, sampling, capacity=-(-capacity // AT_ONCE) * AT_ONCE)
    before.cache.count_on_host(0)
    return before
