"""EDIT (Dai et al., ACL 2025, arXiv:2405.19737): the steps on which a right and a mistaken rationale part ways.

    stage 1   L = CE(right rationales)
    stage 2   L = 1/|r| Σ_{key tokens of r} NLL - β · 1/|m| Σ_{key tokens of m} NLL       β = 0.025

r and m are a right and a mistaken rationale of one question that are alike; a token is a key token where a minimum
edit path between the two replaces, deletes or inserts it (KRSL in the paper). Stage 2 learns at 5e-6 after 2e-4, for
10 epochs after 15. All of this is as in the released code, also that sums over key tokens are divided by a
rationale's whole length.

Ours: where several edit paths are shortest, a replacement goes before an insertion beside a deletion, so that digits
are compared place by place. Epochs become shares of the budget: one of stage 2 differentiates about 0.38 times the
tokens of one of stage 1 (measured on procedural mistakes), which gives stage 1 four fifths. The code's bound of 20
nats on the loss of a mistake's tokens, which by its comments hardly acts, is left out. The student comes from the stage
that scored better on dev, of equals from stage 2.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import nn

from offbook.engine.students.branches import lay_out
from offbook.engine.students.corpus import Corpus
from offbook.engine.students.distiller import Job, Options, read_options
from offbook.engine.students.parts import Part, finish, is_finished, train_part
from offbook.engine.students.path_objective import path_objective
from offbook.engine.students.paths import Paths, Response, encode_corpus, encode_text
from offbook.engine.students.precision import precision_of
from offbook.engine.students.predictions import predict
from offbook.engine.students.saving import save_student
from offbook.engine.students.train import Objective, QuestionLoss
from offbook.engine.tensor_file import read_tensors

NAME = "edit"


class EditOptions(Options):
    """EDIT's own settings.

    Attributes:
        stage_1: its share of the gradient tokens.
        learning_rate_ratio: stage 2's learning rate over stage 1's.
        mistake_weight: β.
    """

    stage_1: Annotated[float, Field(gt=0, lt=1)] = 0.8
    learning_rate_ratio: Annotated[float, Field(gt=0)] = 0.025
    mistake_weight: Annotated[float, Field(ge=0)] = 0.025

    def check_corpus(self, corpus: Corpus) -> None:
        """See `Options`: a question must have a mistake beside a right rationale of the same perspective."""
        if not any(
            {m.perspective for m in q.mistakes} & {r.perspective for r in q.rationales} for q in corpus.questions
        ):
            msg = (
                "expected mistakes beside the corpus's rationales for edit, got none; add them to its questions "
                "(offbook.tasks.rationales.mistakes makes those of procedural problems), or choose another method"
            )
            raise ValueError(msg)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A right and a mistaken rationale of one perspective, and the indices of their key tokens."""

    perspective: int
    right: Response
    mistake: Response
    right_keys: tuple[int, ...]
    mistake_keys: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Dual:
    """One question with its pairs, of which there is at least one."""

    id: str
    prompt: tuple[int, ...]
    pairs: tuple[Pair, ...]


def edit(job: Job) -> Path:
    """See `Distiller`.

    Raises:
        ValueError: a corpus without a mistake beside a right rationale.
    """
    options = read_options(job, EditOptions)
    if is_finished(job, NAME):
        return job.folder
    options.check_corpus(job.corpus)
    questions = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length)
    dual = dual_rationales(job, questions)
    budget, evaluations = job.config.gradient_tokens, job.config.evaluations
    early = max(1, min(evaluations - 1, round(evaluations * options.stage_1)))
    first = train_part(
        _stage(job, 0, gradient_tokens=max(1, round(budget * options.stage_1)), evaluations=early),
        "stage-1",
        f"{NAME}/stage 1",
        path_objective(questions, Paths.present),
    )
    spent = first.record["gradient_tokens"]
    load_weights(job.student, first.folder)
    second = train_part(
        _stage(
            job,
            spent,
            gradient_tokens=max(1, budget - spent),
            evaluations=max(1, evaluations - early),
            learning_rate=job.config.learning_rate * options.learning_rate_ratio,
        ),
        "stage-2",
        f"{NAME}/stage 2",
        key_token_objective(dual, options.mistake_weight),
    )
    start = time.perf_counter()
    kept = [first, second] if best_score(second) >= best_score(first) else [first]
    load_weights(job.student, kept[-1].folder)
    used = precision_of(job.folder, job.config.mixed_precision, job.student.device)
    saved = save_student(job, job.student, best_score(kept[-1]), used)
    return finish(
        job,
        NAME,
        [first, second],
        kept_tokens=sum(part.record["kept_tokens"] for part in kept),
        wall_s=first.record["wall_s"] + second.record["wall_s"] + time.perf_counter() - start,
        **{name: kept[-1].record[name] for name in ("averaged_steps",) if name in kept[-1].record},
        **saved,
    )


def dual_rationales(job: Job, questions: Sequence[Paths]) -> list[Dual]:
    """The questions that have mistakes beside right rationales.

    Raises:
        ValueError: one is longer than `max_length` tokens with a mistake.
    """
    dual = [Dual(id=q.id, prompt=q.prompt, pairs=_pairs(job, i, q)) for i, q in enumerate(questions)]
    return [question for question in dual if question.pairs]


def key_token_objective(questions: Sequence[Dual], mistake_weight: float) -> Objective:
    """Stage 2 over these questions: the mean over a question's pairs. Only key tokens are differentiated."""

    def loss(student: nn.Module, question: int, done: float) -> QuestionLoss:
        dual = questions[question]
        told = [response for pair in dual.pairs for response in (pair.right, pair.mistake)]
        keys = [keys for pair in dual.pairs for keys in (pair.right_keys, pair.mistake_keys)]
        branches = lay_out(dual.prompt, told, next(student.parameters()).device)
        at = [start + i for start, some in zip(branches.starts, keys, strict=False) for i in some]
        kept = replace(branches, predicting_N=branches.predicting_N[at], targets_N=branches.targets_N[at])
        shares = [1 / len(one.tokens) / len(dual.pairs) for one, some in zip(told, keys, strict=True) for _ in some]
        shares_N = torch.tensor(shares, device=kept.targets_N.device)
        wrong = [place % 2 == 1 for place, some in enumerate(keys) for _ in some]
        wrong_N = torch.tensor(wrong, dtype=torch.bool, device=kept.targets_N.device)
        weights_N = torch.where(wrong_N, -mistake_weight * shares_N, shares_N)
        found = predict(student, kept).loss(kept.targets_N, weights_N)
        likely, unlikely = ((shares_N * found.nll_N)[some_N].sum() for some_N in (~wrong_N, wrong_N))
        return QuestionLoss(
            loss=found.loss,
            gradient_tokens=len(at),
            sequences=[
                name
                for pair in dual.pairs
                for name in (f"{dual.id}/{pair.perspective}", f"{dual.id}/{pair.perspective}/mistake")
            ],
            log={"right": float(likely), "mistaken": float(unlikely)},
        )

    return Objective(questions=len(questions), loss=loss)


def key_tokens(right: Sequence[int], mistake: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The indices in either sequence of the tokens that a shortest edit path between them does not keep."""
    rows, columns = len(right), len(mistake)
    distance = [[i + j for j in range(columns + 1)] for i in range(rows + 1)]
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            distance[i][j] = min(
                distance[i - 1][j - 1] + (right[i - 1] != mistake[j - 1]),
                distance[i - 1][j] + 1,
                distance[i][j - 1] + 1,
            )
    of_right, of_mistake = [], []
    i, j = rows, columns
    while i or j:
        differ = i == 0 or j == 0 or right[i - 1] != mistake[j - 1]
        if i and j and distance[i][j] == distance[i - 1][j - 1] + differ:
            i, j = i - 1, j - 1
            if differ:
                of_right.append(i)
                of_mistake.append(j)
        elif i and distance[i][j] == distance[i - 1][j] + 1:
            i -= 1
            of_right.append(i)
        else:
            j -= 1
            of_mistake.append(j)
    return tuple(reversed(of_right)), tuple(reversed(of_mistake))


def best_score(part: Part) -> float:
    """The development score of the weights that a part kept."""
    kept = part.record["kept_tokens"]
    return max(float(e["score"]) for e in part.record["evaluations"] if e["gradient_tokens"] == kept)


def load_weights(student: nn.Module, folder: Path) -> None:
    """Gives the student the weights of a part's folder."""
    remedy = f"delete {folder} to train it again"
    weights: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("model*.safetensors")):
        weights |= read_tensors(file, remedy=remedy)[0]
    with torch.no_grad():
        for name, parameter in student.named_parameters():
            if name not in weights or weights[name].shape != parameter.shape:
                msg = f"{folder}: expected this student's weights, got none of its {name}; {remedy}"
                raise ValueError(msg)
            parameter.copy_(weights[name])


def _pairs(job: Job, index: int, paths: Paths) -> tuple[Pair, ...]:
    question, names = job.corpus.questions[index], job.corpus.perspectives
    pairs = []
    for mistake in question.mistakes:
        k = names.index(mistake.perspective) if mistake.perspective in names else -1
        right = paths.responses[k] if k >= 0 else None
        if right is None:
            continue
        wrong = encode_text(mistake.text, mistake.answer_span, job.tokenizer)
        if (length := len(paths.prompt) + len(wrong.tokens)) > job.config.max_length:
            msg = (
                f"question {question.id}: expected at most {job.config.max_length} tokens with any mistake, got "
                f"{length}; raise max_length or leave the mistake out"
            )
            raise ValueError(msg)
        right_keys, mistake_keys = key_tokens(right.tokens, wrong.tokens)
        pairs.append(Pair(perspective=k, right=right, mistake=wrong, right_keys=right_keys, mistake_keys=mistake_keys))
    return tuple(pairs)


def _stage(job: Job, spent: int, **changes: Any) -> Job:
    """The job of one stage, which begins when so many gradient tokens of the whole are spent."""
    total = job.config.gradient_tokens
    return replace(
        job,
        config=replace(job.config, **changes),
        report=lambda done, _, message: job.report(spent + done, total, message),
    )
