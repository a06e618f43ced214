"""What a drafter says of its passes: each is a call of its network, and their levels are those of a whole tree."""

import pytest
import torch

from offbook.baselines.decoding.eagle import PUBLISHED
from offbook.baselines.decoding.medusa.drafter import MedusaDrafter
from offbook.engine.decoding.clock import CallCounter
from offbook.engine.decoding.drafter import DrawingDrafter, levels_by_pass
from offbook.engine.decoding.feature_draft import TreeConfig
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import host_of
from tests.engine.targets import feature_drafter, medusa_drafter, static_drafter, target
from tests.engine.tiny_drafters import Scripted


def whole(name: str, depth: int):
    """A drafter whose trees hold all candidates that it sees."""
    top_k = 2
    tree = TreeConfig(total_tokens=1 + top_k + depth * top_k**2, depth=depth, top_k=top_k)
    return feature_drafter(name, target(), tree)


def medusa():
    random = medusa_drafter(target(), nodes=4)
    return MedusaDrafter(target(), random.network, random.head, accuracy_IR=[[0.9]] * 4, nodes=4)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: whole("eagle2", 3), (1, 1, 1, 1)),
        (lambda: whole("eagle2", 1), (1, 1)),
        (lambda: whole("jakiro", 3), (1, 1, 2)),
        (lambda: whole("jakiro", 1), (2,)),
        (lambda: static_drafter(target(), PUBLISHED), (1, 1, 1, 1, 1)),
        (lambda: static_drafter(target(), PUBLISHED.first(3)), (1, 1)),
        (lambda: static_drafter(target(), PUBLISHED.first(1)), (1,)),
        (medusa, (4,)),
    ],
    ids=["eagle2", "eagle2, shallow", "jakiro", "jakiro, shallow", "eagle", "eagle, few", "eagle, one", "medusa"],
)
def test_every_pass_is_a_call_of_the_network_and_gives_its_levels(make, expected):
    drafter = make()
    assert levels_by_pass(drafter) == expected
    features = torch.randn(3, 32, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    drafter.begin(torch.tensor([[1, 2, 3]]), capacity=40)
    if isinstance(drafter, DrawingDrafter):
        drafter.draw_with(Sampling(), torch.Generator())
    with CallCounter(drafter.networks) as passes:
        drafter.observe(torch.tensor([2, 3, 4]), features, 3)
        tree = host_of(drafter.propose())
    assert passes.calls == len(expected)
    assert max(tree.depths) == sum(expected)


def test_who_says_nothing_has_none_and_nonsense_is_refused():
    assert levels_by_pass(Scripted(max_nodes=3)) == ()
    assert levels_by_pass(None) == ()
    for said in ((0, 1), ("one",), (True,)):
        odd = Scripted(max_nodes=3)
        odd.levels_by_pass = said
        with pytest.raises(ValueError, match=r"levels_by_pass: expected whole numbers from 1, one a pass, got \("):
            levels_by_pass(odd)
