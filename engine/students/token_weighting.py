"""What a response's tokens count beside each other: improbable ones less, or not at all, so that less is unlearned.

    CE of a response = Σ_t w_t S_t / Σ_t w_t          S_t: cross-entropy of token t;  no gradient reaches w

    threshold   w_t = 1 where the untouched model's S_t is at most `value`, else 0    STM, arXiv:2501.14315: ln 2.5
    power       w_t = p_t ** value, p_t the student's own probability now    DFT: 1; TALR, arXiv:2509.20758: 1/τ

Answers keep w = 1: what a question is about is never masked. STM's code also masks the first token of the whole text,
which is one of the prompt here and has no loss anyway. Ours: TALR renews its τ from the batch, here it stays.

It goes for every method that weighs tokens of whole responses; one that picks tokens itself (EDIT's second stage), and
replayed answers, are left as they are. Budgets count masked tokens too, for they are read. What is masked is logged,
and what of the digits and operators, since these carry the task.

Legend: N tokens of all branches.
"""

import contextlib
import copy
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine.students.branches import Branches, branch_attention, lay_out
from offbook.engine.students.config import TokenWeight
from offbook.engine.students.distiller import Job
from offbook.engine.students.paths import Response
from offbook.engine.students.precision import Precision, autocast
from offbook.engine.students.predictions import predict

OPERATORS = frozenset("+-*/=×÷%−·")
KINDS = ("tokens", "digits", "operators")
Surprisals = Callable[[tuple[int, ...], tuple[int, ...]], torch.Tensor]
SEEN, LOST = "weighed/{}", "lost/{}"  # counts in a question's log


class TokenWeigher:
    """See the module and `predictions.Weigher`.

    Args:
        weight: kind and value; not of kind "none".
        tokenizer: tells digits and operators.
        untouched: surprisals (N,) of a response's tokens behind its prompt under the untouched model; a
            threshold needs them.
    """

    def __init__(
        self,
        weight: TokenWeight,
        tokenizer: PreTrainedTokenizerBase,
        untouched: Surprisals | None = None,
    ) -> None:
        self._kind, self._value = weight["kind"], weight["value"]
        self._tokenizer, self._untouched = tokenizer, untouched
        self._known: dict[tuple[tuple[int, ...], tuple[int, ...]], torch.Tensor] = {}  # by prompt and response
        self._kinds: dict[int, tuple[str, ...]] = {}
        self._counts: dict[str, float] = defaultdict(float)

    @torch.no_grad()
    def __call__(self, branches: Branches, weights_N: torch.Tensor, nll: Callable[[], torch.Tensor]) -> torch.Tensor:
        """See `Weigher`; a branch's weights keep their sum."""
        if len(branches.targets_N) != branches.starts[-1] or not all(branches.answers):
            return weights_N
        if self._kind == "power":
            factors_N = torch.exp(-self._value * nll().to(weights_N.dtype))
        else:
            factors_N = (self._surprisals(branches) <= self._value).to(weights_N.dtype)
        factors_N[[i for answer in branches.answers for i in answer]] = 1
        self._count(branches, factors_N)
        weighed = []
        for start, end in pairwise(branches.starts):
            own, given = weights_N[start:end] * factors_N[start:end], weights_N[start:end].sum()
            sum_ = own.sum()
            weighed.append(own * torch.where(sum_ == 0, torch.ones_like(sum_), given / sum_))
        return torch.cat(weighed)

    def counts(self) -> dict[str, float]:
        """Tokens since the last call, how many are digits and operators, and how much weight each kind lost."""
        found = {form.format(kind): self._counts[form.format(kind)] for form in (SEEN, LOST) for kind in KINDS}
        self._counts.clear()
        return found

    def _surprisals(self, branches: Branches) -> torch.Tensor:
        """The untouched model's (N,); taken once for every response, by itself."""
        assert self._untouched is not None
        found = []
        for (first, behind), (start, end) in zip(branches.places, pairwise(branches.starts), strict=True):
            prompt = tuple(branches.tokens_1T[0, first:behind].tolist())
            said = tuple(branches.targets_N[start:end].tolist())
            if (prompt, said) not in self._known:
                self._known[prompt, said] = self._untouched(prompt, said).cpu()
            found.append(self._known[prompt, said])
        return torch.cat(found).to(branches.targets_N.device)

    def _count(self, branches: Branches, factors_N: torch.Tensor) -> None:
        for token, factor in zip(branches.targets_N.tolist(), factors_N.tolist(), strict=True):
            if token not in self._kinds:
                self._kinds[token] = kinds_of(str(self._tokenizer.decode([token])))
            for kind in self._kinds[token]:
                self._counts[SEEN.format(kind)] += 1
                self._counts[LOST.format(kind)] += 1 - factor


def kinds_of(text: str) -> tuple[str, ...]:
    """The kinds that a token of this text is counted among."""
    digit, operator = any(c.isdigit() for c in text), bool(OPERATORS & set(text))
    return ("tokens", *(["digits"] if digit else []), *(["operators"] if operator else []))


def with_shares(log: Mapping[str, float]) -> dict[str, float]:
    """A step's log with what `counts` told as shares: of each kind of token that was there, the weight it lost."""
    counted = {form.format(kind) for form in (SEEN, LOST) for kind in KINDS}
    shares = {f"masked/{k}": log[LOST.format(k)] / log[SEEN.format(k)] for k in KINDS if log.get(SEEN.format(k))}
    return {name: value for name, value in log.items() if name not in counted} | shares


def token_weigher(job: Job, precision: Precision) -> TokenWeigher | None:
    """What weighs tokens in a job's training, whose student must be untouched so far; None where all count alike."""
    if job.config.token_weight["kind"] == "none":
        return None
    if job.config.token_weight["kind"] == "power":
        return TokenWeigher(job.config.token_weight, job.tokenizer)
    untouched = copy.deepcopy(job.student).eval().requires_grad_(requires_grad=False)

    def surprisals(prompt: tuple[int, ...], said: tuple[int, ...]) -> torch.Tensor:
        branches = lay_out(prompt, [Response(tokens=said, answer=())], untouched.device)
        with torch.no_grad(), _reading(untouched, precision):
            return predict(untouched, branches).nll(branches.targets_N)

    return TokenWeigher(job.config.token_weight, job.tokenizer, surprisals)


@contextlib.contextmanager
def _reading(model: PreTrainedModel, precision: Precision) -> Iterator[None]:
    with branch_attention(model), autocast(precision, model.device):
        yield
