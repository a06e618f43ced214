"""Replaying a drafter against a known answer proposes and accepts what decoding that answer does."""

import itertools

import pytest
import torch

from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.engine.decoding.calibration import Calibration, Tally
from offbook.engine.decoding.cost_aware import Tuned
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.feature_draft import TreeConfig
from offbook.engine.decoding.replay import Expected, KnownText, expect, replay
from offbook.engine.decoding.sampling import Sampling
from tests.engine.decoding.tuned import BETWEEN, FREE
from tests.engine.targets import feature_drafter, target
from tests.engine.tiny_drafters import Scripted

PROMPT, CAP = [3, 5, 9, 5, 9, 5], 20
DRAFTERS = {
    "prompt_lookup": lambda backbone: PromptLookup(num_tokens=4),
    "eagle2": lambda b: feature_drafter("eagle2", b, TreeConfig(total_tokens=10, depth=2, top_k=4), echo=True),
}


def decoded(backbone, drafter):
    return SpeculativeDecoder(backbone, drafter).generate(
        torch.tensor([PROMPT]),
        sampling=Sampling(),
        limits=Limits(max_new_tokens=CAP),
        generator=torch.Generator(),
    )


@pytest.mark.parametrize("name", DRAFTERS)
def test_a_replay_has_the_rounds_of_decoding(name):
    backbone = target(damped=True)
    generation = decoded(backbone, DRAFTERS[name](backbone))
    rounds = replay(DRAFTERS[name](backbone), KnownText(backbone, PROMPT, generation.tokens))
    few = len(generation.rounds) - 2  # decoding leaves out of the last trees what the cap allows no more
    assert [len(r.committed) for r in rounds[:few]] == [r.committed for r in generation.rounds[:few]]
    assert [len(r.tree) - 1 for r in rounds[:few]] == [r.drafted for r in generation.rounds[:few]]
    assert [r.context for r in rounds[:2]] == [len(PROMPT), len(PROMPT) + generation.rounds[0].committed]


def test_the_target_reads_a_text_once_for_all_drafters_that_tap_the_same_states():
    backbone = target(damped=True)
    known = KnownText(backbone, PROMPT, decoded(backbone, DRAFTERS["eagle2"](backbone)).tokens)
    with backbone.counted() as calls:
        replay(DRAFTERS["prompt_lookup"](backbone), known)  # which reads none
    assert calls.number == 0
    with backbone.counted() as calls:
        for _ in range(2):
            replay(DRAFTERS["eagle2"](backbone), known)
    assert calls.number == 1


class Learner(Scripted):
    """Is told the target's logits."""

    def learn(self, tree, logits_NV):
        self.heard = [*getattr(self, "heard", []), (tree.tokens, int(logits_NV[0].argmax()))]


def test_a_drafter_that_learns_is_told_what_the_target_says_behind_every_root():
    backbone = target()
    answer = decoded(backbone, PromptLookup()).tokens
    learner = Learner(1)
    replay(learner, KnownText(backbone, PROMPT, answer))
    assert learner.heard == [((token,), following) for token, following in itertools.pairwise(answer)]


def test_what_is_expected_adds_up():
    """Rows are free: all is verified, and a round costs one step and its draft."""
    backbone = target(damped=True)
    rounds = replay(PromptLookup(num_tokens=4), KnownText(backbone, PROMPT, decoded(backbone, PromptLookup()).tokens))
    tuned = Tuned(costs=FREE, draft_s=0.25, calibration=Calibration.of(Tally()), saved_s=1.0)
    found = expect(tuned, [rounds, rounds])
    committed = 2 * sum(len(r.committed) for r in rounds)
    assert (found.tokens, found.plain_s) == (committed, committed)
    assert found.seconds == pytest.approx(2 * len(rounds) * 1.25)
    assert found.speedup == pytest.approx(committed / (2 * len(rounds) * 1.25))
    assert found.break_even == pytest.approx(1.25)
    assert found.acceptance_length == pytest.approx(committed / (2 * len(rounds)))


def test_at_the_break_even_acceptance_the_speed_up_is_one():
    found = Expected(tokens=30, seconds=40.0, plain_s=30.0, rounds=20, drafted_tokens=30, drafted_s=40.0,
                     drafted_plain_s=30.0)  # fmt: skip
    assert found.break_even / found.acceptance_length == pytest.approx(1 / found.speedup)


def test_suspended_rounds_are_plain_steps():
    backbone = target()
    rounds = replay(Scripted(1), KnownText(backbone, PROMPT, decoded(backbone, PromptLookup()).tokens))
    tuned = Tuned(costs=BETWEEN, draft_s=5.0, calibration=Calibration.of(Tally()), saved_s=-5.0)
    found = expect(tuned, [rounds])
    assert 0 < found.rounds < len(rounds) / 5
    assert found.tokens == len(rounds)
