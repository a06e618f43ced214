"""Do a question's perspectives lead a model to the same answer, read behind each of its rationales?

Teacher-forced, as in MIND's consistency loss: next-token distributions at the answer's tokens, behind the rationale and
the beginning of the answer line. The gold answer stands in most rationales already, so this measures whether a model
follows what it reads, not whether it can solve the question.

Legend: K rationales of a question, A answer tokens, V vocabulary.
"""

import itertools
from typing import NamedTuple

import torch

from offbook.engine.students.divergence import jensen_shannon


class Consistency(NamedTuple):
    """Of one question; NaN for what needs two rationales where there is one.

    Attributes:
        divergence: mean JSD over pairs of rationales, in nats: 0 for equal distributions, ln 2 for disjoint ones.
        agreement: share of pairs with the same likeliest answer.
        correct: share of rationales whose likeliest answer is the gold one.
    """

    divergence: float
    agreement: float
    correct: float


def answer_consistency(log_p_KAV: torch.Tensor, answer_A: torch.Tensor) -> Consistency:
    """Of the log-probabilities behind K rationales; `answer_A` is the gold answer's tokens."""
    likeliest_KA = log_p_KAV.argmax(dim=-1)
    pairs = list(itertools.combinations(range(len(log_p_KAV)), 2))
    divergences = [float(jensen_shannon(log_p_KAV[i], log_p_KAV[j])) for i, j in pairs]
    agreements = [bool((likeliest_KA[i] == likeliest_KA[j]).all()) for i, j in pairs]
    return Consistency(
        divergence=sum(divergences) / len(pairs) if pairs else float("nan"),
        agreement=sum(agreements) / len(pairs) if pairs else float("nan"),
        correct=float((likeliest_KA == answer_A).all(dim=-1).double().mean()),
    )
