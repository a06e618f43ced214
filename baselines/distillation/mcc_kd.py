"""MCC-KD (Chen et al., Findings of EMNLP 2023): two diverse rationales a question, whose answers must agree.

    L = ½ (CE_a + CE_b) + λ · ½ (KL(P_a‖P_b) + KL(P_b‖P_a))     P: next-token distributions at the answer's tokens

λ = 0.1 as in the released code. Pairs are drawn anew at every visit among the `candidates` least similar pairs by
Jaccard similarity of token trigrams, which is how the paper keeps rationales diverse. Ours: the paths come from the
corpus' perspectives instead of from samples of one prompt.
"""

import itertools
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from offbook.engine.students.branches import lay_out, mean_weights
from offbook.engine.students.corpus import Corpus
from offbook.engine.students.distiller import Job, Options, read_options
from offbook.engine.students.paths import Paths, Response, encode_corpus
from offbook.engine.students.predictions import predict
from offbook.engine.students.train import Objective, QuestionLoss, train_student

NAME = "mcc_kd"


class MccKdOptions(Options):
    """`consistency` is λ; `candidates` the number of least similar pairs of a question that are drawn from."""

    consistency: Annotated[float, Field(ge=0)] = 0.1
    candidates: Annotated[int, Field(ge=1)] = 8

    def check_corpus(self, corpus: Corpus) -> None:
        """See `Options`: every question must have two rationales."""
        for question in corpus.questions:
            _check_pair(question.id, len(question.rationales))


def mcc_kd(job: Job) -> Path:
    """See `Distiller`.

    Raises:
        ValueError: a question with fewer than two rationales.
    """
    options = read_options(job, MccKdOptions)
    questions = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length)
    return train_student(job, NAME, mcc_kd_objective(questions, options, seed=job.config.seed))


def mcc_kd_objective(questions: Sequence[Paths], options: MccKdOptions, *, seed: int) -> Objective:
    """MCC-KD over these questions; the pair of a visit depends on seed, question and share of the budget only."""
    pairs = [diverse_pairs(q, options.candidates) for q in questions]

    def loss(student: nn.Module, question: int, done: float) -> QuestionLoss:
        paths = questions[question]
        a, b = random.Random(f"{seed}/{paths.id}/{done}").choice(pairs[question])
        responses = [r for k in (a, b) if (r := paths.responses[k]) is not None]
        branches = lay_out(paths.prompt, responses, next(student.parameters()).device)
        predictions = predict(student, branches)
        entropy = predictions.loss(branches.targets_N, mean_weights(branches)).loss
        answer_a, answer_b = predictions.logits_of(branches.answers)
        divergence = symmetric_kl(answer_a, answer_b)
        return QuestionLoss(
            loss=entropy + options.consistency * divergence,
            gradient_tokens=branches.starts[-1],
            sequences=[f"{paths.id}/{k}" for k in (a, b)],
            log={"consistency": float(divergence.detach())},
        )

    return Objective(questions=len(questions), loss=loss)


def symmetric_kl(logits_AV: torch.Tensor, others_AV: torch.Tensor) -> torch.Tensor:
    """½ (KL(P‖Q) + KL(Q‖P)) in nats, the mean over A positions; gradient flows into both."""
    log_p, log_q = logits_AV.log_softmax(dim=-1), others_AV.log_softmax(dim=-1)
    return 0.5 * ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(dim=-1).mean()


def diverse_pairs(paths: Paths, count: int) -> list[tuple[int, int]]:
    """The `count` pairs of a question's paths that are least alike.

    Raises:
        ValueError: there is no pair.
    """
    present = [(k, r) for k, r in enumerate(paths.responses) if r is not None]
    _check_pair(paths.id, len(present))
    grams = {k: _trigrams(r) for k, r in present}
    ranked = sorted(itertools.combinations(grams, 2), key=lambda pair: (_jaccard(grams[pair[0]], grams[pair[1]]), pair))
    return ranked[:count]


def _check_pair(question: str, rationales: int) -> None:
    if rationales < 2:
        msg = f"question {question}: expected at least two rationales for mcc_kd, got {rationales}; add perspectives"
        raise ValueError(msg)


def _trigrams(response: Response) -> set[tuple[int, ...]]:
    return set(zip(response.tokens, response.tokens[1:], response.tokens[2:], strict=False))


def _jaccard(a: set[tuple[int, ...]], b: set[tuple[int, ...]]) -> float:
    return len(a & b) / len(a | b) if a | b else 1.0
