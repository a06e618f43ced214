"""At any temperature one seed leads every contender of our loop to one text: plain decoding's, whatever it drafts."""

import pytest
import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decode import decode
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop
from tests.controls.verifiers import Faulty
from tests.engine.tiny_drafters import RandomTrees
from tests.tiny import tiny_model

SIZE, LENGTH, CAP = 60, 7, 24
SAMPLINGS = (Sampling(temperature=0.7), Sampling(temperature=1.0, top_p=0.9), Sampling(temperature=1.5, top_k=8))


@pytest.fixture(scope="module", params=["llama", "gemma2"])
def backbone(request) -> Backbone:
    return Backbone(tiny_model(request.param, vocab_size=SIZE, initializer_range=0.3).double())


def said(backbone: Backbone, sampling: Sampling, seed: int, likely: list[int], verifier=None) -> tuple[tuple, int]:
    drafter = RandomTrees(likely, vocabulary=SIZE, max_nodes=9 if likely else 1, hit=0.6, seed=seed)
    prompt_1P = torch.randint(SIZE, (1, LENGTH), generator=torch.Generator().manual_seed(seed))
    limits = Limits(max_new_tokens=CAP)
    generation = decode(
        backbone, drafter, prompt_1P, sampling=sampling, limits=limits,
        generator=torch.Generator().manual_seed(seed), stop=Stop(limits, None), verifier=verifier,
    )  # fmt: skip
    return generation.tokens, sum(r.accepted for r in generation.rounds)


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_drafting_changes_no_token(backbone, sampling):
    accepted = 0
    for seed in range(6):
        plain, none = said(backbone, sampling, seed, [])
        assert none == 0
        drafted, some = said(backbone, sampling, seed, [*plain])
        assert drafted == plain
        accepted += some
    assert accepted > 20, "the drafts are not just refused"


def test_a_verifier_that_asks_in_instalments_says_another_text(backbone):
    sampling = SAMPLINGS[0]
    texts = [said(backbone, sampling, seed, [], Faulty(sampling=sampling))[0] for seed in range(3)]
    assert texts != [said(backbone, sampling, seed, [])[0] for seed in range(3)]
