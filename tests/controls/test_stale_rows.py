"""A loop that leaves rows of rejected siblings in its cache: what follows is read off the wrong text, and is found."""

import pytest
import torch

from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.sampling import Sampling
from offbook.harness.certificates.loop import loop_certificate
from offbook.harness.certificates.verifiers import RULES
from tests.engine.targets import greedy_reference, target
from tests.engine.tiny_drafters import Oracle

PROMPT, CAP = [7, 3, 11, 3, 29], 16


@pytest.fixture
def stale(monkeypatch):
    """Commits as many rows as were accepted, whichever they are."""
    monkeypatch.setattr(TreeCache, "commit_path", lambda cache, path: cache.commit(path.shape[0]))


def said() -> list[int]:
    expected = greedy_reference(target(), PROMPT, CAP + 4)
    generation = SpeculativeDecoder(target(), Oracle(expected, depth=3, decoys=2)).generate(
        torch.tensor([PROMPT]), sampling=Sampling(), limits=Limits(max_new_tokens=CAP), generator=torch.Generator()
    )
    return list(generation.tokens)


def test_greedy_answers_are_others(stale):
    assert said() != greedy_reference(target(), PROMPT, CAP)


def test_without_the_fault_they_are_the_targets():
    assert said() == greedy_reference(target(), PROMPT, CAP)


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_answers_of_the_small_model_follow_another_law(rule, stale):
    assert loop_certificate(rule, sampling=Sampling(temperature=1.0), seed=0, n=6_000).verdict == "differs"
