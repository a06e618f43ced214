"""The target's half of a round in tensors, of trees that the host has built and that are filled up to a few sizes."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.baselines.decoding.suffix import Suffix
from offbook.baselines.decoding.token_recycling import TokenRecycling
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cost_aware import CostAware
from offbook.engine.decoding.feature_draft import TreeConfig
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.static_draft import RankTree
from offbook.engine.decoding.target_rounds import Target, TargetRounds, filled, size_of
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import Verdict
from offbook.engine.finite import NotFiniteError
from offbook.kernels.tree_attention import unpack_words
from tests.engine.decoding.played import PROMPT, SAMPLINGS, assert_the_same, made, say
from tests.engine.decoding.test_tree import trees
from tests.engine.decoding.tuned import CHEAP, tuned
from tests.engine.targets import VOCABULARY, feature_drafter, medusa_drafter, static_drafter, target
from tests.engine.tiny_drafters import RandomTrees
from tests.tiny import tiny_model

SHAPE = RankTree(((0,), (1,), (0, 0), (0, 1), (1, 0)))
DRAFTERS = {
    "prompt_lookup": lambda backbone, _: PromptLookup(num_tokens=4),
    "suffix": lambda backbone, _: Suffix(nodes=7),
    "token_recycling": lambda backbone, _: TokenRecycling(nodes=6),
    "medusa": lambda backbone, _: medusa_drafter(backbone, nodes=9),
    "eagle, static": lambda backbone, _: static_drafter(backbone, SHAPE, echo=True),
    "random trees": lambda backbone, answer: RandomTrees(answer, vocabulary=VOCABULARY, max_nodes=19, hit=0.7, seed=5),
}


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("name", DRAFTERS)
def test_decoders_whose_trees_the_host_builds_say_the_same(name, sampling):
    backbone, settings = target("llama", damped=True), SAMPLINGS[sampling]
    answer = say(backbone, DRAFTERS["prompt_lookup"](backbone, ()), sampling=settings, cap=40)[0].tokens
    plain, plays = (DRAFTERS[name](backbone, answer) for _ in range(2))
    expected = say(backbone, plain, sampling=settings, cap=30)
    found = say(backbone, plays, sampling=settings, cap=30, device=made(backbone, plays, settings)[0])
    assert_the_same(found, expected)
    assert len(found[0].times) == len(found[0].rounds), "each has its seconds"


@pytest.mark.parametrize("architecture", ["mistral", "gemma2"])
def test_so_they_do_on_models_with_windows_and_caps_on_scores(architecture):
    backbone = target(architecture, damped=True)
    answer = say(backbone, PromptLookup(), cap=40)[0].tokens
    plain, plays = (DRAFTERS["random trees"](backbone, answer) for _ in range(2))
    expected = say(backbone, plain, cap=30)
    assert_the_same(say(backbone, plays, cap=30, device=made(backbone, plays, Sampling())[0]), expected)


@pytest.mark.parametrize("sampling", ["greedy", "T 1"])
def test_a_controller_cuts_as_it_did(sampling):
    backbone, settings = target("llama", damped=True), SAMPLINGS[sampling]
    drafter = feature_drafter("eagle2", backbone, TreeConfig(total_tokens=12, depth=3, top_k=3), echo=True)
    controller = CostAware(tuned(CHEAP))
    expected = say(backbone, drafter, sampling=settings, cap=30, controller=controller)
    make, given = made(backbone, drafter, settings, controller)
    assert_the_same(say(backbone, drafter, sampling=settings, cap=30, controller=controller, device=make), expected)
    assert given[0].whole is None


def second_best(logits_NV, tree, generator):
    """A verifier that is not exact: it accepts a first candidate always, and says what is second best behind it."""
    path = [0, 1] if len(tree.host) > 1 else [0]
    return Verdict.of(path, int(logits_NV[path[-1]].topk(2).indices[1]))


@pytest.mark.parametrize("name", ["prompt_lookup", "random trees", "eagle, static"])
def test_where_another_rule_decides_the_forward_alone_is_played(name):
    backbone, settings = target("llama", damped=True), SAMPLINGS["T 1"]
    plain, plays = (DRAFTERS[name](backbone, range(40)) for _ in range(2))
    expected = say(backbone, plain, sampling=settings, cap=20, verifier=second_best)
    make, given = made(backbone, plays, settings, exact=False)
    assert_the_same(say(backbone, plays, sampling=settings, cap=20, verifier=second_best, device=make), expected)
    assert name == "prompt_lookup" or len(expected[0].rounds) < 19, "some were accepted"
    assert given[0].whole is None
    assert {judged for _, judged in given[0].halves._halves} == {False}


def test_sizes_are_powers_of_two():
    assert [size_of(nodes) for nodes in (1, 2, 3, 4, 5, 16, 17, 64, 65)] == [1, 2, 4, 4, 8, 16, 32, 64, 128]


@given(tree=trees(max_nodes=90), start=st.integers(0, 500))
def test_a_filled_tree_is_the_tree_and_nodes_that_are_none(tree, start):
    n, N = len(tree), size_of(len(tree))
    numbers = torch.tensor(filled(tree, N, start=start))
    tokens, parents, depths, positions = numbers[: 4 * N].view(4, N).tolist()
    assert tokens[:n] == [*tree.tokens]
    assert parents[:n] == [*tree.parents]
    assert depths[:n] == [*tree.depths]
    assert positions[:n] == [start + depth for depth in tree.depths]
    assert parents[n:] == [-1] * (N - n)
    assert all(position == start for position in positions[n:])
    sees_NN = unpack_words(numbers[4 * N :].view(N, -1), N)
    assert torch.equal(sees_NN[:n, :n], tree.ancestor_mask())
    assert torch.equal(sees_NN[n:], torch.eye(N, dtype=torch.bool)[n:])
    assert not sees_NN[:n, n:].any()


@torch.inference_mode()
def test_a_path_of_several_tokens_is_kept_and_the_host_counts_again():
    backbone = target("llama", damped=True)
    cache = backbone.new_cache(40)
    backbone.extend(torch.tensor(PROMPT), cache)
    cache.commit(len(PROMPT))
    halves = TargetRounds(Target(backbone, cache, Sampling(), ()))
    said = say(backbone, PromptLookup(), cap=8)[0].tokens
    wrong = next(token for token in range(VOCABULARY) if token not in said)
    tree = Tree((said[0], wrong, said[1], said[2], wrong), (-1, 0, 0, 2, 2))
    output, verdict = halves.play(tree, torch.Generator())
    assert verdict.path == (0, 2, 3)
    assert verdict.token == said[3]
    assert output.logits_NV.shape == (5, VOCABULARY)
    assert cache.length == cache.front == len(PROMPT) + 3
    _, verdict = halves.play(Tree((said[3],), (-1,)), torch.Generator())
    assert (verdict.path, verdict.token) == ((0,), said[4]), "behind the rows that were kept"


def test_logits_that_are_not_finite_are_refused():
    backbone = Backbone(tiny_model("llama", torch.float64, vocab_size=VOCABULARY, tie_word_embeddings=False))
    with torch.no_grad():
        backbone.embedding_VH[49] = torch.nan
    cache = backbone.new_cache(20)
    with torch.inference_mode():
        backbone.extend(torch.tensor([5, 1, 2, 3]), cache)
        cache.commit(4)
        halves = TargetRounds(Target(backbone, cache, SAMPLINGS["T 1"], ()))
        with pytest.raises(NotFiniteError):
            halves.play(Tree((49,), (-1,)), torch.Generator())
