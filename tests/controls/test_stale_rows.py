"""A loop that leaves rows of rejected siblings in its cache: what follows is read off the wrong text, and is found.

Where candidates are drawn, texts from one seed are others anyway; it is the same loop that greedy answers tell of.
"""

import pytest
import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.sampling import Sampling
from tests.engine.targets import VOCABULARY, greedy_reference, target
from tests.engine.tiny_drafters import Oracle, Scripted
from tests.tiny import tiny_model

PROMPT, CAP = [7, 3, 11, 3, 29], 16


@pytest.fixture
def stale(monkeypatch):
    """Commits as many rows as were accepted, whichever they are; behind a model that was loaded before."""
    target()
    monkeypatch.setattr(TreeCache, "commit_path", lambda cache, path: cache.commit(path.shape[0]))


def said() -> list[int]:
    expected = greedy_reference(target(), PROMPT, CAP + 4)
    generation = SpeculativeDecoder(target(), Oracle(expected, depth=3, decoys=2)).generate(
        torch.tensor([PROMPT]), sampling=Sampling(), limits=Limits(max_new_tokens=CAP), generator=torch.Generator()
    )
    return list(generation.tokens)


def test_a_model_that_is_loaded_under_it_is_refused(stale):
    with pytest.raises(ValueError, match="to say the same under offbook's attention as under its own"):
        Backbone(tiny_model("llama", torch.float64, vocab_size=VOCABULARY))


def test_greedy_answers_are_others(stale):
    assert said() != greedy_reference(target(), PROMPT, CAP)


def test_without_the_fault_they_are_the_targets():
    assert said() == greedy_reference(target(), PROMPT, CAP)


@pytest.mark.parametrize("faulty", [True, False])
def test_texts_from_plain_decodings_seeds_are_others(faulty, request):
    if faulty:
        request.getfixturevalue("stale")
    plain = drawn(Scripted(1))
    assert (drawn(Oracle(plain, depth=3, decoys=2)) != plain) == faulty


def drawn(drafter) -> list[int]:
    generation = SpeculativeDecoder(target(), drafter).generate(
        torch.tensor([PROMPT]),
        sampling=Sampling(temperature=1.0),
        limits=Limits(max_new_tokens=CAP),
        generator=torch.Generator().manual_seed(0),
    )
    return list(generation.tokens)
