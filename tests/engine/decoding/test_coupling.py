"""Coupled drafting: chances are what a race shows, seeds are those of the target's draws, and no text changes."""

from functools import partial

import numpy as np
import pytest
import torch

from offbook.engine.decoding.coupling import chances
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.feature_draft import TreeConfig
from offbook.engine.decoding.replay import KnownText, replay
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import new_seeds, seeds_ahead, verifier_for
from offbook.kernels.verify_tree import Seeded, draw, noise, verify_drawn
from tests.engine.targets import feature_drafter, target
from tests.engine.tiny_drafters import Scripted

PROMPT, CAP = [3, 5, 9, 5, 9, 5], 24
WARM = Sampling(temperature=1.0)
SHAPE = TreeConfig(total_tokens=10, depth=2, top_k=4)


def decoded(backbone, drafter, *, seed=0, sampling=WARM, **more):
    return SpeculativeDecoder(backbone, drafter, **more).generate(
        torch.tensor([PROMPT]),
        sampling=sampling,
        limits=Limits(max_new_tokens=CAP),
        generator=torch.Generator().manual_seed(seed),
    )


def coupled(name, backbone, *, echo=True):
    drafter = feature_drafter(name, backbone, SHAPE, echo=echo)
    drafter.coupled = True
    return drafter


def test_chances_sum_to_one_at_most_and_follow_the_race():
    q_RK, noise_RK = np.array([[0.5, 0.3, 0.2], [0.2, 0.1, 0.1]]), np.array([[1.0, 0.1, 2.0], [1.0, 1.0, 0.1]])
    found_RK = chances(q_RK, noise_RK, trust=1.0)
    assert found_RK[0] == pytest.approx(np.array([0.5, 3.0, 0.1]) / 3.6)  # q names all tokens
    assert found_RK[1].sum() < 1
    assert found_RK.argmax(axis=1).tolist() == [1, 2]
    assert chances(q_RK, noise_RK, trust=500.0)[0] == pytest.approx([0, 1, 0])


def test_a_token_without_probability_never_wins():
    assert chances(np.array([[0.6, 0.0]]), np.array([[1.0, 1e-9]]), trust=0.5)[0, 1] == 0


def test_with_the_right_law_the_first_in_the_race_wins_as_often_as_its_chance_says():
    """Tokens that are not named race as one; over 20,000 races the mean chance is the rate of wins."""
    law_V = np.array([0.3, 0.15, 0.05, *[0.05] * 10])
    seeds_B = new_seeds(20_000, torch.Generator().manual_seed(0))
    drawn_B = draw(np.tile(law_V, (len(seeds_B), 1)), seeds_B)
    named_K = np.arange(3)
    chance_BK = chances(np.tile(law_V[:3], (len(seeds_B), 1)), noise(seeds_B, named_K), trust=1000.0)
    first_B, rows_B = chance_BK.argmax(axis=1), np.arange(len(seeds_B))
    assert (drawn_B == first_B).mean() == pytest.approx(chance_BK[rows_B, first_B].mean(), abs=0.012)
    sure_B = chance_BK[rows_B, first_B] > 0.8
    assert sure_B.sum() > 1000
    assert (drawn_B == first_B)[sure_B].mean() > 0.8


def test_seeds_ahead_are_still_to_come():
    generator = torch.Generator().manual_seed(4)
    new_seeds(3, generator)
    ahead = seeds_ahead(5, generator)
    assert [int(new_seeds(1, generator)[0]) for _ in range(5)] == ahead.tolist()


class Clairvoyant(Scripted):
    """Knows the target's laws, and finds its draws by their noise; drafts chains of them."""

    def __init__(self, backbone, length):
        super().__init__(1 + length)
        self.coupled = True
        self.backbone, self.length, self.seeds_ahead = backbone, length, None

    def begin(self, prompt_1P, *, capacity):
        super().begin(prompt_1P, capacity=capacity)
        self.seeds_ahead = None

    def couple(self, sampling, seeds_ahead):
        self.sampling, self.seeds_ahead = sampling, seeds_ahead

    def propose(self):
        chain = [self.text[-1]]
        for seed in self.seeds_ahead(self.length):
            text = torch.tensor([*self.text, *chain[1:]])
            with torch.inference_mode():
                logits_1V = self.backbone.extend(text, self.backbone.new_cache(len(text)), logits_for=1).logits_NV
            chain.append(int(draw(self.sampling.probabilities(logits_1V).numpy(), np.array([seed]))[0]))
        return Tree.chain(chain)


@pytest.mark.parametrize("sampling", [WARM, Sampling(temperature=1.3, top_p=0.9, top_k=20)], ids=str)
def test_who_knows_law_and_noise_has_every_candidate_accepted(sampling):
    backbone = target()
    generation = decoded(backbone, Clairvoyant(backbone, 3), sampling=sampling)
    assert [r.accepted for r in generation.rounds[:-1]] == [3] * (len(generation.rounds) - 1)
    assert generation.tokens == decoded(backbone, Scripted(1), sampling=sampling).tokens


@pytest.mark.parametrize("name", ["eagle2", "jakiro"])
def test_coupled_trees_say_what_plain_decoding_says(name):
    backbone = target(damped=True)
    for seed in range(6):
        plain = decoded(backbone, Scripted(1), seed=seed)
        assert decoded(backbone, coupled(name, backbone), seed=seed).tokens == plain.tokens


@pytest.mark.parametrize("name", ["eagle2", "jakiro"])
def test_coupled_trees_are_accepted_more_often(name):
    backbone = target(damped=True)
    lone, both = feature_drafter(name, backbone, SHAPE, echo=True), coupled(name, backbone)
    rounds = [sum(len(decoded(backbone, drafter, seed=seed).rounds) for seed in range(8)) for drafter in (lone, both)]
    assert rounds[1] < 0.9 * rounds[0]


@pytest.mark.parametrize("name", ["eagle2", "jakiro"])
def test_a_replay_of_coupled_trees_has_the_rounds_of_decoding(name):
    backbone = target(damped=True)
    generation = decoded(backbone, coupled(name, backbone), seed=3)
    generator = torch.Generator().manual_seed(3)
    known = KnownText(backbone, PROMPT, generation.tokens, sampling=WARM, generator=generator)
    rounds = replay(coupled(name, backbone), known)
    few = len(generation.rounds) - 2
    assert few > 3
    assert [len(r.committed) for r in rounds[:few]] == [r.committed for r in generation.rounds[:few]]
    unknown = replay(coupled(name, backbone), KnownText(backbone, PROMPT, generation.tokens, sampling=WARM))
    assert [r.tree for r in unknown] != [r.tree for r in rounds]


def test_noise_is_forgotten_with_its_document():
    backbone = target(damped=True)
    drafter = coupled("eagle2", backbone)
    decoded(backbone, drafter)
    cold = decoded(backbone, drafter, sampling=Sampling())
    assert cold.rounds == decoded(backbone, feature_drafter("eagle2", backbone, SHAPE, echo=True),
                                  sampling=Sampling()).rounds  # fmt: skip


class Listening(Scripted):
    """Counts how often it is coupled."""

    times, coupled = 0, True

    def couple(self, sampling, seeds_ahead):
        self.times += 1


class ListeningDraws(Listening):
    draws = True

    def draw_with(self, sampling, generator):
        """Draws nothing."""


def test_noise_is_told_only_where_it_decides_by_the_race():
    backbone = target()
    warm, cold, drawing = Listening(1), Listening(1), ListeningDraws(1)
    decoded(backbone, warm)
    decoded(backbone, cold, sampling=Sampling())
    decoded(backbone, drawing)
    other = Listening(1)
    decoded(backbone, other, verifier=lambda sampling: partial(verifier_for(sampling)))
    unwilling = Listening(1)
    unwilling.coupled = False
    decoded(backbone, unwilling)
    assert (warm.times, cold.times, drawing.times, other.times, unwilling.times) == (1, 0, 0, 0, 0)


def test_candidates_drawn_with_the_targets_own_noise_would_bend_its_law():
    """Why one that draws is not told: the race is won by x under q with the noise that then draws the residual."""
    p_V, q_V = np.array([0.05, 0.05, 0.45, 0.45]), np.array([0.4, 0.4, 0.15, 0.05])

    def committed(seeds_of_candidates, seeds_B):
        B = len(seeds_B)
        tokens_B2 = np.stack([np.zeros(B, dtype=np.int64), draw(np.tile(q_V, (B, 1)), seeds_of_candidates)], axis=1)
        last_B, bonus_B = verify_drawn(
            lambda node, rounds_R: np.tile(p_V, (len(rounds_R), 1)),
            lambda node, rounds_R: np.tile(q_V, (len(rounds_R), 1)),
            tokens_B2,
            ((1,), ()),
            Seeded(np.stack([seeds_B, seeds_B + np.uint64(1)], axis=1)),
        )
        return np.bincount(np.where(last_B == 1, tokens_B2[:, 1], bonus_B), minlength=4) / B

    seeds_B, others_B = (new_seeds(100_000, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    assert np.abs(committed(others_B, seeds_B) - p_V).sum() / 2 < 0.01
    assert np.abs(committed(seeds_B, seeds_B) - p_V).sum() / 2 > 0.03
