"""Answers by the plain loop and by what a device plays, side by side."""

import pytest
import torch

from offbook.engine.decoding.decode import decode
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.on_device import OnDevice
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop

PROMPT = [5, 1, 9, 9, 2, 30]
SAMPLINGS = {
    "greedy": Sampling(),
    "T 1": Sampling(temperature=1.0),
    "both filters": Sampling(temperature=0.8, top_k=12, top_p=0.9),
}


def made(backbone, drafter, sampling, controller=None, *, exact=True):
    """What gives `decode` what a device plays, and what it has given."""
    given = []

    def make(capacity):
        given.append(OnDevice(backbone, drafter, controller, sampling, capacity=capacity, exact=exact))
        return given[-1]

    return make, given


def say(
    backbone,
    drafter,
    *,
    sampling=SAMPLINGS["greedy"],
    cap=24,
    eos=(),
    device=None,
    prompt=PROMPT,
    seed=3,
    controller=None,
    verifier=None,
):
    """An answer, and the state of the generator behind it; by the plain loop where a device plays nothing."""
    limits, generator = Limits(max_new_tokens=cap, eos_token_ids=frozenset(eos)), torch.Generator().manual_seed(seed)
    answer = decode(
        backbone,
        drafter,
        torch.tensor([prompt], device=backbone.device),
        sampling=sampling,
        limits=limits,
        generator=generator,
        stop=Stop(limits, None),
        controller=controller,
        verifier=verifier,
        device=device,
    )
    return answer, generator.get_state()


def assert_the_same(found, expected):
    """Everything but the clock, and a pass of the drafter behind a round after which it is not asked again."""
    (one, state), (other, as_it_should) = found, expected
    for name in ("tokens", "finish_reason", "rounds", "prompt_tokens"):
        assert getattr(one, name) == getattr(other, name), name
    assert other.draft_forwards <= one.draft_forwards <= other.draft_forwards + bool(other.draft_forwards)
    assert len(one.predicted) == len(other.predicted)
    for ours, theirs in zip(one.predicted, other.predicted, strict=True):
        assert ours == pytest.approx(theirs, abs=2e-4)
    assert torch.equal(state, as_it_should)
