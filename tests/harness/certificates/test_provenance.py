"""Where laws of drawn candidates come from: right drafters pass to the last bit, what no statistic sees is found."""

import pytest
import torch

from offbook.baselines.decoding.eagle import PUBLISHED
from offbook.engine.decoding.candidate_draws import Drawn, looking_on, one_of, some_of
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.harness.certificates import provenance as module
from offbook.harness.certificates.provenance import Provenance
from tests.engine.targets import language_model_drafter, static_drafter, target

V = 40
PROMPT = [3, 1, 4, 1, 5, 9]
SAMPLINGS = [Sampling(temperature=1.0), Sampling(temperature=0.7, top_k=4), Sampling(temperature=1.5, top_p=0.8)]


def law(seed: int = 2) -> torch.Tensor:
    return torch.randn(V, generator=torch.Generator().manual_seed(seed)).mul(2).softmax(dim=-1)


def named(law_V: torch.Tensor, tokens: list[int]) -> Tree:
    laws_NV = law_V.new_zeros(1 + len(tokens), V)
    laws_NV[0] = law_V
    return Tree((0, *tokens), (-1, *[0] * len(tokens)), drawn_from_NV=laws_NV)


def looked_at(tree: Tree, drawn: list[Drawn]) -> Provenance:
    found = Provenance()
    found.look_at(tree.tensors(), drawn)
    return found


def two_of(source_V: torch.Tensor) -> tuple[list[int], list[Drawn]]:
    with looking_on() as drawn:
        places = some_of(source_V[None], 2, torch.Generator().manual_seed(0))[0].tolist()
    return places, drawn


def test_a_law_that_was_drawn_from_is_known_again():
    tokens, drawn = two_of(law())
    found = looked_at(named(law(), tokens), drawn)
    assert (found.fault, found.laws, found.known) == ("", 1, True)


def truncated(law_V: torch.Tensor) -> torch.Tensor:
    kept = torch.where(law_V >= law_V.topk(5).values[-1], law_V, 0)
    return kept / kept.sum()


FAULTS = {
    # what is drawn from, what is named, what is said of it
    "drawn in bfloat16, named in float32 (DeepSpec, issue 31)": (
        lambda p: p.bfloat16(), lambda p: p, "in float32, and what was drawn from in bfloat16",
    ),
    "drawn in bfloat16, its rounding named in float32": (
        lambda p: p.bfloat16(), lambda p: p.bfloat16().float(), "in float32, and what was drawn from in bfloat16",
    ),
    "drawn in float64, named in float32": (lambda p: p.double(), lambda p: p, "float32, and what was drawn from in fl"),
    "drawn behind a filter that is not named (transformers, issue 47932)": (
        truncated, lambda p: p, "nothing was drawn from it",
    ),
    "named at another temperature": (lambda p: p, lambda p: p**1.0001 / (p**1.0001).sum(), "nothing was drawn from it"),
    "computed a second time, one bit off": (
        lambda p: p, lambda p: torch.nextafter(p, torch.ones(V)), "nothing was drawn from it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_law_that_was_not_is_found(fault):
    source, name, told = FAULTS[fault]
    tokens, drawn = two_of(source(law()))
    assert told in looked_at(named(name(law()), tokens), drawn).fault


def test_candidates_in_another_order_are_found():
    tokens, drawn = two_of(law())
    assert "another order" in looked_at(named(law(), tokens[::-1]), drawn).fault


def test_candidates_that_were_drawn_one_by_one_are_known_again():
    generator, left, tokens = torch.Generator().manual_seed(3), law(), []
    with looking_on() as drawn:
        for _ in range(3):
            tokens.append(one_of(left, generator))
            left = left.clone()
            left[tokens[-1]] = 0
    assert looked_at(named(law(), tokens), drawn).fault == ""
    assert looked_at(named(law(), tokens[::-1]), drawn).fault
    assert looked_at(named(law(3), tokens), drawn).fault == "nothing was drawn from it"


def test_the_first_fault_is_kept_and_so_many_laws_are_enough(monkeypatch):
    monkeypatch.setattr(module, "MOST_LAWS", 3)
    tokens, drawn = two_of(law())
    found = Provenance()
    for tree in (named(law(), tokens), named(law(3), tokens), named(law(), tokens), named(law(4), tokens)):
        found.look_at(tree.tensors(), drawn)
    assert (found.laws, found.fault) == (3, "nothing was drawn from it")


def test_of_who_draws_elsewhere_nothing_is_known():
    tokens = torch.multinomial(law(), 2, generator=torch.Generator()).tolist()
    found = looked_at(named(law(), tokens), [])
    assert (found.known, found.fault) == (False, "")


def test_onlookers_see_what_is_drawn_while_they_look():
    generator = torch.Generator().manual_seed(0)
    one_of(law(), generator)
    with looking_on() as outer:
        token = one_of(law(), generator)
        with looking_on() as inner:
            some_of(torch.stack([law(), law(3)]), 3, generator)
    one_of(law(), generator)
    assert [len(seen) for seen in (outer, inner)] == [3, 2]
    assert outer[0].places == (token,)
    assert torch.equal(inner[1].law_D, law(3))
    assert all(len({*drawn.places}) == 3 for drawn in inner)


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
@pytest.mark.parametrize("who", ["eagle", "eagle on a draft vocabulary", "a language model"])
def test_the_drafters_of_this_repository_name_what_they_draw_from(who, sampling):
    backbone = target()
    if who == "a language model":
        drafter = language_model_drafter(backbone, gamma=4)
    else:
        drafter = static_drafter(backbone, PUBLISHED, vocabulary=20 if "vocabulary" in who else 50)
    drafter.begin(torch.tensor([PROMPT]), capacity=64)
    drafter.draw_with(sampling, torch.Generator().manual_seed(1))
    with torch.inference_mode():
        output = backbone.extend(torch.tensor(PROMPT), backbone.new_cache(64), logits_for=1, taps=(-1,))
        drafter.observe(torch.tensor([*PROMPT[1:], 7]), output.features(len(PROMPT)), len(PROMPT))
        with looking_on() as drawn:
            tree = drafter.propose()
    found = looked_at(tree, drawn)
    assert (found.fault, found.laws) == ("", sum(map(bool, tree.children)))
    assert found.laws >= 4
    assert tree.drawn_from_NV.dtype == torch.float64, "as the target's, for nothing was rounded on the way"
