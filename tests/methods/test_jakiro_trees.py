"""Trees of decoupled experts: what each candidate continues from, the laws that are named, the law of what is said."""

import itertools

import pytest
import scipy.stats
import torch
from torch.nn import functional

from offbook.engine.decoding.decode import decode
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.static_draft import RankTree
from offbook.engine.decoding.stop import Stop
from offbook.engine.decoding.tree import Tree
from offbook.methods.jakiro.decoupled import PUBLISHED
from offbook.methods.jakiro.decoupled_experts import parted
from offbook.methods.jakiro.schemes import ExpertsApart
from tests.engine.decoupled_drafters import drafter
from tests.engine.targets import VOCABULARY, law_of_two, target

SCHEMES = ("mixture", "first", "turns")
WARM = Sampling(temperature=1.0)
DYNAMIC = TreeConfig(total_tokens=21, depth=3, top_k=3)
PROMPT = [3, 1, 4, 1, 5, 9]


@pytest.fixture(autouse=True)
def inference():
    for damped in (False, True):
        target(damped=damped)  # kept for other tests, which may differentiate
    with torch.inference_mode():
        yield


def observed(made: FeatureDrafter, sampling: Sampling, *, seed: int = 0) -> tuple[FeatureDrafter, torch.Tensor]:
    """The drafter behind a prompt, and the target's features of it."""
    backbone = target()
    made.begin(torch.tensor([PROMPT]), capacity=64)
    if hasattr(made, "draw_with"):
        made.draw_with(sampling, torch.Generator().manual_seed(seed))
    output = backbone.extend(torch.tensor(PROMPT), backbone.new_cache(64), logits_for=1, taps=(-1,))
    features_RH = output.features(len(PROMPT))
    made.observe(torch.tensor([*PROMPT[1:], 7]), features_RH, len(PROMPT))
    return made, features_RH


class Recomputed:
    """Predictions behind every node of a tree, each by one pass over the whole text without a cache.

    Whose feature a node continues from is worked out here, of its parent's experts.
    """

    def __init__(self, made: FeatureDrafter, features_RH: torch.Tensor, tree: Tree, scheme: str) -> None:
        self.made, self.features_RH, self.tree, self.scheme = made, features_RH, tree, scheme
        self.known: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def behind(self, node: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (E, H) and weights (E,)."""
        if node not in self.known:
            path = [node]
            while path[0]:
                path.insert(0, self.tree.parents[path[0]])
            tokens = torch.tensor([*PROMPT[1:], *(self.tree.tokens[n] for n in path)])
            continued = [self.continued(n)[None] for n in path[1:]]
            features, rows = torch.cat([self.features_RH, *continued]), len(tokens)
            found, _ = self.made.network(
                functional.embedding(tokens, target().embedding_VH)[None],
                features[None],
                torch.arange(rows)[None],
                torch.ones(1, rows, rows, dtype=torch.bool).tril(),
            )
            features_EH, log_weights_E = parted(found[0, -1])
            self.known[node] = features_EH, log_weights_E.exp()
        return self.known[node]

    def laws(self, node: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The experts' (E, Vd), and the mixture's."""
        features_EH, weights_E = self.behind(node)
        of_each = self.made.head.logits(features_EH).softmax(dim=-1)
        return of_each, (weights_E[:, None] * of_each).sum(dim=0)

    def order(self, node: int) -> list[int]:
        """The experts behind a node, the largest weight first."""
        return self.behind(node)[1].argsort(descending=True).tolist()

    def whose(self, child: int) -> int:
        """Which of its parent's experts proposed a candidate."""
        parent = self.tree.parents[child]
        place = self.made.head.token_ids.tolist().index(self.tree.tokens[child])
        (of_each, _), order = self.laws(parent), self.order(parent)
        if self.scheme == "first":
            return order[0]
        if self.scheme == "mixture":
            return int((self.behind(parent)[1] * of_each[:, place]).argmax())
        if self.tree.drawn_from_NV is not None:
            return order[self.tree.children[parent].index(child) % len(order)]
        ranks = [(of_each[expert] > of_each[expert][place]).sum().item() for expert in order]
        return order[ranks.index(min(ranks))]  # of equal ranks whose turn comes first

    def continued(self, child: int) -> torch.Tensor:
        """The feature that a candidate continues from."""
        return self.behind(self.tree.parents[child])[0][self.whose(child)]


def estimates(again: Recomputed, node: int) -> torch.Tensor:
    """The probability (Vd,) that a scheme gives each candidate behind a node."""
    of_each, mixture = again.laws(node)
    return of_each[again.order(node)[0]] if again.scheme == "first" else mixture


@pytest.mark.parametrize("experts", [2, 3])
@pytest.mark.parametrize("shape", [PUBLISHED, DYNAMIC], ids=["static", "dynamic"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_child_continues_from_the_feature_of_the_expert_that_proposed_it(scheme, shape, experts):
    """Every candidate and its estimate are what the features of the right experts lead to, at every depth."""
    made, features_RH = observed(drafter(target(), shape, scheme=scheme, experts=experts), Sampling())
    tree = made.propose()
    assert tree.drawn_from_NV is None
    assert max(tree.depths) == 6 if shape is PUBLISHED else max(tree.depths) > 1
    again, ids, proposers = Recomputed(made, features_RH, tree, scheme), made.head.token_ids.tolist(), set()
    for node in range(1, len(tree)):
        estimate = float(estimates(again, tree.parents[node])[ids.index(tree.tokens[node])])
        expected = tree.survival[tree.parents[node]] * estimate
        assert tree.survival[node] == pytest.approx(expected, rel=1e-6), (scheme, tree.depths[node])
        proposers.add(again.whose(node))
    if scheme != "first":
        assert len(proposers) > 1, "more than one expert proposes, or whose feature it is would not show"
    if shape is PUBLISHED and scheme != "turns":
        for node, children in enumerate(tree.children):
            best = estimates(again, node).topk(len(children)).indices.tolist()
            assert [tree.tokens[child] for child in children] == [ids[place] for place in best]


@pytest.mark.parametrize("sampling", [WARM, Sampling(temperature=0.7, top_k=4)], ids=str)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_laws_that_a_drawn_tree_names_are_those_of_the_experts_behind_its_nodes(scheme, sampling):
    made, features_RH = observed(drafter(target(), PUBLISHED, scheme=scheme, vocabulary=20), sampling)
    tree = made.propose()
    assert tree.survival is None
    assert max(tree.depths) == 6
    again = Recomputed(made, features_RH, tree, scheme)
    for node, children in enumerate(tree.children):
        if not children:
            continue
        of_each, mixture = again.laws(node)
        order = again.order(node)
        named = {"mixture": [mixture], "first": [of_each[order[0]]], "turns": [of_each[k] for k in order]}[scheme]
        expected = torch.zeros(len(named), VOCABULARY, dtype=torch.float64)
        for turn, law in enumerate(named):
            expected[turn, made.head.token_ids] = sampling.probabilities(law.log())
        found = tree.drawn_from_NV[node]
        torch.testing.assert_close(found if scheme == "turns" else found[None], expected, atol=1e-6, rtol=1e-4)


def test_a_tree_that_continued_from_another_expert_would_be_another():
    """What the tests above compare with is not what any other choice of features leads to."""

    class Other(ExpertsApart):
        def likeliest(self, predicted_R, k):
            found = super().likeliest(predicted_R, k)
            object.__setattr__(found, "sources_RK", found.sources_RK ^ 1)  # of two experts the other
            return found

    made, _ = observed(drafter(target(), PUBLISHED), Sampling())
    right = made.propose()
    made.readout = Other(made.head, scheme="mixture")
    assert made.propose().tokens != right.tokens


def paths(tree: Tree) -> set[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for node in range(1, len(tree)):
        found.append((*found[tree.parents[node]], tree.tokens[node]))
    return set(found[1:])


@pytest.mark.parametrize("scheme", ["mixture", "first"])
def test_a_dynamic_tree_keeps_the_candidates_of_the_largest_estimates(scheme):
    """Every candidate that its passes see, worked out again from the whole pool, which is a tree of its own."""
    pool = TreeConfig(total_tokens=1 + 3 + 3 * 9, depth=3, top_k=3)
    seen, _ = observed(drafter(target(), pool, scheme=scheme), Sampling())
    whole = seen.propose()
    best = sorted(range(1, len(whole)), key=lambda node: -whole.survival[node])[:12]
    kept, _ = observed(drafter(target(), TreeConfig(total_tokens=13, depth=3, top_k=3), scheme=scheme), Sampling())
    assert paths(kept.propose()) == paths(whole.only([0, *sorted(best)]))


# --- what is said ---


def said(made: FeatureDrafter, sampling: Sampling, seed: int, cap: int = 12):
    limits = Limits(max_new_tokens=cap)
    return decode(
        target(damped=True), made, torch.tensor([PROMPT]), sampling=sampling, limits=limits,
        generator=torch.Generator().manual_seed(seed), stop=Stop(limits, None),
    )  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_seed_says_one_text_and_rounds_take_six_passes(scheme):
    made = drafter(target(damped=True), PUBLISHED, scheme=scheme, echo=True)
    first = said(made, WARM, 3)
    assert first.tokens == said(made, WARM, 3).tokens
    assert first.tokens != said(made, WARM, 4).tokens
    cold = said(made, Sampling(), 0)
    assert cold.tokens == said(made, Sampling(), 9).tokens, "nothing is drawn at temperature 0, also behind a warm text"
    assert sum(r.accepted for r in cold.rounds) > 0
    assert cold.draft_forwards == 6 * sum(r.drafted > 0 for r in cold.rounds)


@pytest.mark.parametrize(("scheme", "shape"), [
    *itertools.product([*SCHEMES][:2], [PUBLISHED.first(6)]),
    *(pytest.param(scheme, PUBLISHED.first(6), marks=pytest.mark.slow) for scheme in [*SCHEMES][2:]),
    ("mixture", TreeConfig(total_tokens=8, depth=2, top_k=2)),
])  # fmt: skip
def test_the_law_of_the_first_two_tokens_is_the_targets(scheme, shape):
    n, sampling, backbone = 400, Sampling(temperature=1.0, top_k=3), target(damped=True)
    made, counts, accepted = drafter(backbone, shape, scheme=scheme, echo=True), {}, 0
    for seed in range(n):
        generation = said(made, sampling, seed, cap=3)
        counts[generation.tokens[:2]] = counts.get(generation.tokens[:2], 0) + 1
        accepted += sum(r.accepted for r in generation.rounds)
    joint = law_of_two(backbone, PROMPT, sampling)
    assert counts.keys() <= joint.keys()
    cells = list(joint)
    assert scipy.stats.chisquare([counts.get(c, 0) for c in cells], [n * joint[c] for c in cells]).pvalue > 1e-6
    assert accepted > n / 20


def test_a_shape_of_one_level_needs_one_pass():
    made, _ = observed(drafter(target(), RankTree(((0,), (1,)))), WARM)
    assert len(made.propose()) == 3
