"""What a path costs: every measure against its formula, by hand on paths of one token and on a vocabulary renamed."""

import math
from collections.abc import Sequence

import pytest
import torch

from offbook.engine.students.branches import branch_attention, lay_out
from offbook.engine.students.learnability import LEARNABILITIES, OF_THE_LAW, Learnability, learnability, measure
from offbook.engine.students.paths import Paths, Response, encode_text
from offbook.engine.students.predictions import Predictions
from offbook.engine.students.token_scores import token_scores
from tests.tiny import tiny_model, tiny_tokenizer

LAW = (0.5, 0.3, 0.2)
S = -math.log(0.3)  # of token 1; rank 2, mass above 0.5, Brier 1 - 0.6 + 0.38


def of_laws(laws: Sequence[Sequence[float]]) -> Predictions:
    return Predictions(states_NH=torch.tensor(laws).log(), head_VH=None)


def costs(of: Learnability, laws: Sequence[Sequence[float]], responses: Sequence[Response]) -> torch.Tensor:
    """Of paths whose tokens have these laws, one a token."""
    branches, predictions = lay_out([0], responses), of_laws(laws)
    scores = token_scores(predictions, branches.targets_N)
    return learnability(of, branches, responses, predictions.nll(branches.targets_N), scores)


# --- tokens ---


def test_surprisal_rank_mass_above_and_sharpness_by_hand() -> None:
    found = token_scores(of_laws([LAW, LAW]), torch.tensor([1, 0]))
    torch.testing.assert_close(found.surprisal_N, torch.tensor([S, math.log(2)]))
    assert found.rank_N.tolist() == [2, 1]
    torch.testing.assert_close(found.above_N, torch.tensor([0.5, 0.0]))
    torch.testing.assert_close(found.brier_N, torch.tensor([0.78, 0.38]))


def test_equal_logits_are_not_above() -> None:
    found = token_scores(Predictions(states_NH=torch.zeros(1, 4), head_VH=None), torch.tensor([2]))
    assert (found.rank_N.item(), found.above_N.item()) == (1, 0)


def test_sharpness_is_the_squared_length_of_the_logit_gradient() -> None:
    logits = torch.randn(1, 7, generator=torch.Generator().manual_seed(0)).requires_grad_()
    torch.nn.functional.cross_entropy(logits, torch.tensor([3])).backward()
    assert logits.grad is not None
    found = token_scores(Predictions(states_NH=logits, head_VH=None), torch.tensor([3]))
    torch.testing.assert_close(found.brier_N, logits.grad.square().sum(-1))


def test_states_and_head_give_what_their_logits_do_however_many_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = torch.Generator().manual_seed(1)
    states, head, targets = torch.randn(9, 5, generator=draw), torch.randn(11, 5, generator=draw), torch.arange(9)
    whole = token_scores(Predictions(states_NH=states @ head.T, head_VH=None), targets)
    monkeypatch.setattr("offbook.engine.students.token_scores.LOGITS", 25)
    for found, expected in zip(token_scores(Predictions(states_NH=states, head_VH=head), targets), whole, strict=True):
        torch.testing.assert_close(found, expected)


def test_ranks_are_compared_in_fp32_where_training_multiplies_in_bf16() -> None:
    """Logits 1, 1.001 and 1.002 are one number in bf16, and the last token would come first."""
    states = torch.tensor([[1.0]], dtype=torch.bfloat16)
    head = torch.tensor([[1.0], [1.001], [1.002]])
    with torch.autocast("cpu", torch.bfloat16):
        found = token_scores(Predictions(states_NH=states, head_VH=head), torch.tensor([0]))
    assert found.rank_N.item() == 3


# --- paths ---


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ("path", S),
        ("answer", S),
        ("rationale", S),  # which has no token of its own: the whole path stands for it
        ("no_openers", S),
        ("rsr", 2 / S),
        ("rsr_guarded", 2 / (S + 0.1)),
        ("seqlss", -(0.5**4)),
        ("lark", -0.78 / S),
    ],
)
def test_every_cost_of_a_path_of_one_token_by_hand(of: Learnability, expected: float) -> None:
    assert costs(of, [LAW], [Response(tokens=(1,), answer=(0,), openers=(0,))]).tolist() == pytest.approx([expected])


def test_every_cost_is_tried() -> None:
    assert len(LEARNABILITIES) == 8


def test_ratios_are_of_sums_over_a_paths_tokens() -> None:
    path = [Response(tokens=(1, 2), answer=(1,))]
    total = S - math.log(0.2)
    assert costs("path", [LAW] * 2, path).item() == pytest.approx(total / 2)
    assert costs("rsr", [LAW] * 2, path).item() == pytest.approx((2 + 3) / total)
    assert costs("rsr_guarded", [LAW] * 2, path).item() == pytest.approx(5 / (total + 0.2))
    weighed = S * 0.5**4 - math.log(0.2) * (1 - 0.8) ** 4
    assert costs("seqlss", [LAW] * 2, path).item() == pytest.approx(-weighed / total)


def test_a_rank_counts_a_hundred_at_most() -> None:
    law = torch.arange(300, 0, -1).double()
    law = law / law.sum()
    found = costs("rsr", [law.tolist()], [Response(tokens=(250,), answer=(0,))])
    assert found.item() == pytest.approx(100 / -math.log(law[250].item()), rel=1e-5)


def test_lark_is_the_printed_share_of_a_questions_paths() -> None:
    responses = [
        Response(tokens=(1, 0), answer=(1,)),
        Response(tokens=(2,), answer=(0,)),
        Response(tokens=(0,), answer=(0,)),
    ]
    laws = [LAW, (0.6, 0.3, 0.1), LAW, LAW]
    found = costs("lark", laws, responses)
    scores = token_scores(of_laws(laws), torch.tensor([1, 0, 2, 0]))
    spans = [slice(0, 2), slice(2, 3), slice(3, 4)]
    L = [float(scores.surprisal_N[s].mean()) for s in spans]
    rho = [float(scores.brier_N[s].mean()) / loss for s, loss in zip(spans, L, strict=True)]
    shared = sum(r * loss for r, loss in zip(rho, L, strict=True)) / sum(L)
    expected = [-(loss / sum(L)) * (2 * r - shared) for r, loss in zip(rho, L, strict=True)]
    assert found.tolist() == pytest.approx(expected, rel=1e-5)


def test_a_path_that_is_known_already_is_best_by_all_but_rsr() -> None:
    sure = (1 - 2e-7, 1e-7, 1e-7)
    both = [Response(tokens=(0,), answer=(0,)), Response(tokens=(1,), answer=(0,))]
    for of in ("path", "answer", "seqlss"):
        known, new = costs(of, [sure, LAW], both).tolist()
        assert known < new, of
    assert costs("seqlss", [(1.0, 0.0, 0.0)], both[:1]).item() == -1
    known, new = costs("rsr", [sure, LAW], both).tolist()
    assert known > new, "of a student that has learned, RSR puts the hardest path first"
    assert costs("rsr_guarded", [sure, LAW], both)[0].item() == pytest.approx(10, rel=1e-4), "and guarded it is bounded"
    assert costs("lark", [(1.0, 0.0, 0.0)], both[:1]).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("of", LEARNABILITIES)
def test_the_names_of_tokens_decide_nothing(of: Learnability) -> None:
    order = torch.randperm(50, generator=torch.Generator().manual_seed(2))
    place = order.argsort()
    logits = torch.randn(6, 50, generator=torch.Generator().manual_seed(3))
    responses = [
        Response(tokens=(4, 7, 9), answer=(1,), openers=(0,)),
        Response(tokens=(30, 7, 2), answer=(1,), openers=(0, 2)),
    ]
    renamed = [
        Response(tokens=tuple(place[list(r.tokens)].tolist()), answer=r.answer, openers=r.openers) for r in responses
    ]

    def found(logits_NV: torch.Tensor, paths: Sequence[Response]) -> torch.Tensor:
        branches, predictions = lay_out([0], paths), Predictions(states_NH=logits_NV, head_VH=None)
        scores = token_scores(predictions, branches.targets_N)
        return learnability(of, branches, paths, predictions.nll(branches.targets_N), scores)

    torch.testing.assert_close(found(logits[:, order], renamed), found(logits, responses))


# --- from a model ---


def test_costs_from_one_forward_are_those_of_the_models_own_logits() -> None:
    model = tiny_model()
    long, short = Response(tokens=(11, 12, 13, 257), answer=(1,), openers=(0,)), Response(tokens=(21, 257), answer=(0,))
    question = Paths(id="q", prompt=(5, 6, 7), responses=(long, None, short))
    with branch_attention(model):
        found = measure(model, question, [2, 0], LEARNABILITIES)
    assert found.shape == (2, len(LEARNABILITIES))
    present = [short, long]
    rows = [model(torch.tensor([[5, 6, 7, *r.tokens]])).logits[0, 2:-1] for r in present]
    logits = Predictions(states_NH=torch.cat(rows).detach(), head_VH=None)
    branches = lay_out(question.prompt, present)
    scores = token_scores(logits, branches.targets_N)
    for c, of in enumerate(LEARNABILITIES):
        expected = learnability(of, branches, present, logits.nll(branches.targets_N), scores)
        torch.testing.assert_close(found[:, c], expected, rtol=1e-3, atol=1e-4)


def test_the_law_is_asked_for_only_by_costs_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("offbook.engine.students.learnability.token_scores", never)
    question = Paths(id="q", prompt=(5,), responses=(Response(tokens=(11, 257), answer=(0,)),))
    model = tiny_model()
    with branch_attention(model):
        measure(model, question, [0], [of for of in LEARNABILITIES if of not in OF_THE_LAW])
        with pytest.raises(AssertionError):
            measure(model, question, [0], ["rsr"])


# --- steps ---


def test_a_step_opens_behind_a_mark_and_a_blank_and_not_inside_a_number() -> None:
    text = "Plan: add 3.5 kg.\n1. Buy it? Yes! The answer is 4."
    found = encode_text(text, (len(text) - 2, len(text) - 1), tiny_tokenizer())
    assert [text[i] for i in found.openers] == ["P", "a", "1", "B", "Y", "T"]
    assert found.openers[0] == 0


def test_answer_and_rationale_are_parts_of_a_path() -> None:
    paths = [Response(tokens=(3, 4, 5, 6), answer=(1, 2)), Response(tokens=(7, 4, 5), answer=(1, 2))]
    branches, each = lay_out([1, 2], paths), torch.rand(7, generator=torch.Generator().manual_seed(0))
    found: dict[str, torch.Tensor] = {
        of: learnability(of, branches, paths, each) for of in ("path", "rationale", "answer")
    }
    torch.testing.assert_close(found["path"], torch.stack([each[:4].mean(), each[4:].mean()]))
    torch.testing.assert_close(found["rationale"], torch.stack([each[[0, 3]].mean(), each[4]]))
    torch.testing.assert_close(found["answer"], torch.stack([each[[1, 2]].mean(), each[[5, 6]].mean()]))


def test_the_first_tokens_of_steps_are_left_out_on_request() -> None:
    path = [Response(tokens=(2, 0, 2, 0), answer=(3,), openers=(0, 2))]
    assert costs("no_openers", [LAW] * 4, path).item() == pytest.approx(math.log(2))
    assert costs("path", [LAW] * 4, path).item() == pytest.approx((math.log(2) - math.log(0.2)) / 2)
