"""The distillation baselines: what each differentiates, against the plain sums of its paper."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from offbook.baselines.distillation.mcc_kd import MccKdOptions, diverse_pairs, mcc_kd, mcc_kd_objective, symmetric_kl
from offbook.baselines.distillation.single_rationale import single_rationale
from offbook.baselines.distillation.step_by_step import (
    LABEL_INSTRUCTION,
    StepByStepOptions,
    step_by_step,
    step_by_step_objective,
)
from offbook.baselines.distillation.uniform_rationales import uniform_rationales
from offbook.engine.chat_answers import chat_tokens
from offbook.engine.students.branches import branch_attention
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.corpus import Corpus, Question, Rationale, close
from offbook.engine.students.distiller import Job
from offbook.engine.students.path_objective import path_objective
from offbook.engine.students.paths import Paths, Response, encode_corpus
from tests.tiny import tiny_model, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
CONFIG = StudentConfig(gradient_tokens=300, questions_per_step=2, learning_rate=1e-3, evaluations=1, max_length=500)
TEXTS = {"planning": "First add, then stop. {a}", "analogy": "Like {a} apples.", "socratic": "What is it? It is {a}."}


def corpus(*names: str) -> Corpus:
    questions = []
    for i in range(3):
        answer = str(i + 5)
        rationales = []
        for name in names:
            text, span = close(TEXTS[name].format(a=answer), answer)
            rationales.append(
                Rationale(perspective=name, text=text, answer_span=span, provenance="test", licence="Apache-2.0")
            )
        questions.append(Question(id=f"q{i}", question=f"{i} + 5?", answer=answer, rationales=tuple(rationales)))
    return Corpus.of(questions)


def job(folder: Path, rationales: Corpus, **options: Any) -> Job:
    return Job(
        student=tiny_model(),
        tokenizer=TOKENIZER,
        corpus=rationales,
        config=CONFIG,
        folder=folder,
        identity={},
        score=lambda _: 0.0,
        options=options,
    )


def plain_loss(prompt: tuple[int, ...], response: Response) -> torch.Tensor:
    """Mean loss of a response's tokens, from one row of an untouched model."""
    ids = torch.tensor([[*prompt, *response.tokens]])
    logits = tiny_model()(input_ids=ids).logits[0]
    return functional.cross_entropy(logits[len(prompt) - 1 : -1], ids[0, len(prompt) :])


def responses(paths: Paths) -> list[Response]:
    return [r for r in paths.responses if r is not None]


def test_all_chosen_paths_count_alike_whatever_their_length() -> None:
    (paths, *_) = questions = encode_corpus(corpus("planning", "analogy"), TOKENIZER, max_length=500)
    model = tiny_model()
    with branch_attention(model):
        part = path_objective(questions, lambda _: [0, 1]).loss(model, 0, 0.0)
    expected = torch.stack([plain_loss(paths.prompt, r) for r in responses(paths)]).mean()
    torch.testing.assert_close(part.loss, expected, rtol=1e-4, atol=1e-5)
    assert part.gradient_tokens == sum(len(r.tokens) for r in responses(paths))
    assert part.sequences == ["q0/0", "q0/1"]


def test_mcc_kd_adds_the_divergence_of_two_answers() -> None:
    questions = encode_corpus(corpus("planning", "analogy"), TOKENIZER, max_length=500)
    paths = questions[0]
    model = tiny_model()
    with branch_attention(model):
        part = mcc_kd_objective(questions, MccKdOptions(consistency=2.0), seed=0).loss(model, 0, 0.0)
    answers = []
    for r in responses(paths):
        logits = model(input_ids=torch.tensor([[*paths.prompt, *r.tokens]])).logits[0]
        answers.append(logits[[len(paths.prompt) + i - 1 for i in r.answer]].softmax(dim=-1))
    p, q = answers
    kl = 0.5 * ((p * (p / q).log()).sum(-1) + (q * (q / p).log()).sum(-1)).mean()
    expected = torch.stack([plain_loss(paths.prompt, r) for r in responses(paths)]).mean() + 2.0 * kl
    torch.testing.assert_close(part.loss, expected, rtol=1e-4, atol=1e-5)
    assert kl > 1e-4, "the two answers must differ, or the test shows nothing"


def test_symmetric_kl_of_known_distributions() -> None:
    p, q = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.25, 0.75]])
    forward = 0.5 * math.log(2) + 0.5 * math.log(0.5 / 0.75)
    backward = 0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    assert symmetric_kl(p.log(), q.log()).item() == pytest.approx(0.5 * (forward + backward), rel=1e-5)
    assert symmetric_kl(p.log(), p.log()).item() == 0.0


def test_the_least_similar_pairs_come_first() -> None:
    tokens = [(1, 2, 3, 4, 5), (1, 2, 3, 4, 9), (7, 8, 9, 7, 8)]
    paths = Paths(id="q", prompt=(1,), responses=tuple(Response(tokens=t, answer=(0,)) for t in tokens))
    assert diverse_pairs(paths, 2) == [(0, 2), (1, 2)]


def test_step_by_step_learns_label_and_rationale_as_two_tasks(tmp_path: Path) -> None:
    work = job(tmp_path, corpus("planning"))
    (paths, *_) = encode_corpus(work.corpus, TOKENIZER, max_length=500)
    model = tiny_model()
    with branch_attention(model):
        part = step_by_step_objective(work, StepByStepOptions(rationale_weight=0.5)).loss(model, 0, 0.0)
    text = "The answer is 5."
    label = Response(tokens=(*TOKENIZER(text)["input_ids"], TOKENIZER.eos_token_id), answer=(14,))
    prompt = tuple(chat_tokens(TOKENIZER, LABEL_INSTRUCTION.format(question="0 + 5?")))
    expected = plain_loss(prompt, label) + 0.5 * plain_loss(paths.prompt, responses(paths)[0])
    torch.testing.assert_close(part.loss, expected, rtol=1e-4, atol=1e-5)
    assert part.gradient_tokens == len(label.tokens) + len(responses(paths)[0].tokens)


@pytest.mark.parametrize("distil", [single_rationale, uniform_rationales, mcc_kd, step_by_step])
def test_every_baseline_trains_a_student_at_the_budget(distil: Callable[[Job], Path], tmp_path: Path) -> None:
    folder = distil(job(tmp_path / "student", corpus("planning", "analogy", "socratic")))
    assert (folder / "distillation.json").is_file()
    assert (folder / "model.safetensors").is_file()


def test_single_rationale_takes_the_perspective_it_is_told(tmp_path: Path) -> None:
    folder = single_rationale(job(tmp_path / "s", corpus("planning", "socratic"), perspective="socratic"))
    assert '"perspective": "socratic"' in (folder / "distillation.json").read_text()
    with pytest.raises(ValueError, match="'analogy'; choose one"):
        single_rationale(job(tmp_path / "t", corpus("planning"), perspective="analogy"))
    mixed = Corpus.of([*corpus("planning").questions[:2], corpus("socratic").questions[2]])
    with pytest.raises(ValueError, match="none for q2"):
        single_rationale(job(tmp_path / "u", mixed, perspective="planning"))


@pytest.mark.parametrize("distil", [single_rationale, uniform_rationales, mcc_kd, step_by_step])
def test_unknown_settings_are_refused(distil: Callable[[Job], Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mood"):
        distil(job(tmp_path, corpus("planning", "analogy"), mood="good"))


def test_mcc_kd_needs_two_rationales(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="q0: expected at least two"):
        mcc_kd(job(tmp_path, corpus("planning")))
