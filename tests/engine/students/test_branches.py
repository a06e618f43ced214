"""Branches under one prompt give the losses and gradients that one row a response gives."""

import pytest
import torch
from torch.nn import functional

from offbook.engine.students.branches import branch_attention, branch_means, lay_out, token_weights
from offbook.engine.students.corpus import Corpus, Question, Rationale, close
from offbook.engine.students.paths import Response, encode_corpus
from offbook.engine.students.predictions import predict
from tests.tiny import ARCHITECTURES, tiny_model, tiny_tokenizer

PROMPT = [5, 6, 7, 8, 9, 10]
RESPONSES = [
    Response(tokens=(11, 12, 13, 14, 257), answer=(2, 3)),
    Response(tokens=(21, 257), answer=(0,)),
    Response(tokens=(31, 32, 33, 34, 35, 36, 37, 257), answer=(5, 6)),
]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_branch_loses_what_its_own_row_loses(architecture: str) -> None:
    model = tiny_model(architecture, dtype=torch.float64)
    branches = lay_out(PROMPT, RESPONSES)
    with branch_attention(model):
        found = predict(model, branches).loss(branches.targets_N, token_weights(torch.ones(3), branches))
        found.loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    losses = branch_means(found.nll_N, branches).float()
    ours = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    rows = []
    for response in RESPONSES:
        ids = torch.tensor([[*PROMPT, *response.tokens]])
        logits = model(input_ids=ids).logits[0].float()
        rows.append(functional.cross_entropy(logits[len(PROMPT) - 1 : -1], ids[0, len(PROMPT) :]))
    torch.stack(rows).sum().backward()
    torch.testing.assert_close(losses, torch.stack(rows), rtol=1e-5, atol=1e-6)
    assert ours
    for name, parameter in model.named_parameters():
        if name in ours:
            torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-4, atol=1e-6, msg=name)


def test_branches_know_where_their_answers_are() -> None:
    branches = lay_out(PROMPT, RESPONSES)
    found = [branches.targets_N[list(answer)].tolist() for answer in branches.answers]
    assert found == [[13, 14], [21], [36, 37]]
    assert branches.starts == (0, 5, 7, 15)


def test_the_prompt_is_paid_for_once() -> None:
    assert lay_out(PROMPT, RESPONSES).tokens_1T.shape[1] == len(PROMPT) + 4 + 1 + 7


def corpus(*texts: str, answer: str = "12") -> Corpus:
    rationales = []
    for k, text in enumerate(texts):
        whole, span = close(text, answer)
        rationales.append(
            Rationale(perspective=str(k), text=whole, answer_span=span, provenance="test", licence="Apache-2.0")
        )
    return Corpus.of([Question(id="q", question="6 + 6?", answer=answer, rationales=tuple(rationales))])


def test_answer_spans_decode_to_the_same_string_in_all_rationales() -> None:
    tokenizer = tiny_tokenizer()
    (paths,) = encode_corpus(corpus("a", "something longer", "6 + 6 = 12"), tokenizer, max_length=512)
    answers = {tokenizer.decode([r.tokens[i] for i in r.answer]) for r in paths.responses if r is not None}
    assert answers == {"12"}
    assert all(r is not None and r.tokens[-1] == tokenizer.eos_token_id for r in paths.responses)


def test_a_rationale_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="question q: expected at most 40 tokens"):
        encode_corpus(corpus("a"), tiny_tokenizer(), max_length=40)
