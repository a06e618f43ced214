"""Several responses to one prompt in a single row: the prompt once, every response a branch behind it.

    row         prompt | response 0 | response 1 | ...
    positions   0..P-1 | P, P+1 ... | P, P+1 ... | ...
    visible     a branch sees the prompt and itself, never another branch

Several questions may follow each other in the row, each with a prompt and branches of its own; none sees another.

It is the same sum as one row a response, without paying for the prompt K times. Attention goes branch by branch, over
the prompt's keys and its own, so that no pair of branches is ever multiplied and masked away. Where a kernel runs and
no gradient is wanted it goes all at once, and tiles that nobody sees are passed over there. The first token of every
response is predicted by the prompt's last row, which all branches share; a response's last token predicts nothing and
is left out.

Legend: T rows, t of them in one branch, s seen by it, H query heads, G key/value heads, D head size, N predicted tokens
of all branches one after the other, V vocabulary.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import torch
from torch import nn
from transformers import AttentionInterface, PreTrainedModel

from offbook.engine.decoding import attention
from offbook.engine.students.paths import Response
from offbook.kernels.implementation import triton_runs
from offbook.kernels.tree_attention import TreeMask, block_causal_words, pack_words, unpack_words

NAME = "offbook_branches"


@dataclass(frozen=True, kw_only=True)
class Branches:
    """A prompt with its branches, laid out; or several such questions, one behind the other.

    Attributes:
        tokens_1T, positions_1T: token ids and absolute positions.
        edges: of every question the row that its prompt begins at, and those behind the prompt and behind every branch.
        predicting_N: the row that predicts each response token, question after question.
        targets_N: that token.
        starts: where each branch begins among the N tokens, and N at the end.
        answers: of each branch, the indices among the N tokens that hold the answer.
    """

    tokens_1T: torch.Tensor
    positions_1T: torch.Tensor
    edges: tuple[tuple[int, ...], ...]
    predicting_N: torch.Tensor
    targets_N: torch.Tensor
    starts: tuple[int, ...]
    answers: tuple[tuple[int, ...], ...]

    @property
    def places(self) -> list[tuple[int, int]]:
        """Of every response, the rows that its prompt begins at and ends in front of."""
        return [(first, behind) for first, behind, *ends in self.edges for _ in ends]

    @property
    def groups(self) -> list[range]:
        """Of every question, the numbers of its branches."""
        ends = [0, *accumulate(len(edges) - 2 for edges in self.edges)]
        return [range(start, end) for start, end in pairwise(ends)]

    @property
    def questions(self) -> list[tuple[int, int]]:
        """Where the tokens of every question begin among the N, and where they end."""
        return [(self.starts[group.start], self.starts[group.stop]) for group in self.groups]

    @property
    def spans(self) -> list["Span"]:
        """The prompts and branches that have rows, in their order in the row."""
        found = []
        for first, behind, *ends in self.edges:
            found.append(Span(prompt=first, shared=0, start=first, end=behind))
            shared = behind - first
            found += [Span(prompt=first, shared=shared, start=a, end=b) for a, b in pairwise((behind, *ends)) if a < b]
        return found

    @cached_property
    def mask(self) -> TreeMask:
        """What each row sees of all rows."""
        device, rows = self.tokens_1T.device, self.edges[-1][-1]
        own = []
        for first, behind, *ends in self.edges:
            sizes = [end - start for start, end in pairwise((behind, *ends))]
            words_tW = block_causal_words(sizes, shared=behind - first, device=device)
            own.append(unpack_words(words_tW, len(words_tW)))
        return TreeMask(
            words_BTW=pack_words(torch.block_diag(*own))[None],
            length_B=torch.zeros(1, dtype=torch.int32, device=device),
            rows=rows,
            positions_BN=self.positions_1T,
        )

    @cached_property
    def views(self) -> list["View"]:
        """What the rows of each of `spans` see; the same in all layers, so it is made once."""
        found = []
        for span in self.spans:
            query_positions_1t = self.positions_1T[:, span.start : span.end]
            before = self.positions_1T[:, span.prompt : span.prompt + span.shared]
            key_positions_1s = torch.cat((before, query_positions_1t), dim=1)
            visible_11ts = (key_positions_1s[:, None, :] <= query_positions_1t[:, :, None])[:, None]
            found.append(View(span, visible_11ts, query_positions_1t, key_positions_1s))
        return found


class Span(NamedTuple):
    """Rows from `start` to `end`, which see themselves causally and `shared` rows from `prompt` on."""

    prompt: int
    shared: int
    start: int
    end: int


class View(NamedTuple):
    """The rows of a span beside what they see, in keys that hold what is shared first."""

    span: Span
    visible_11ts: torch.Tensor
    query_positions_1t: torch.Tensor
    key_positions_1s: torch.Tensor


def lay_out(prompt: Sequence[int], responses: Sequence[Response], device: torch.device | str = "cpu") -> Branches:
    """One prompt with one or more responses."""
    return lay_out_questions([(prompt, responses)], device)


def lay_out_questions(
    questions: Sequence[tuple[Sequence[int], Sequence[Response]]], device: torch.device | str = "cpu"
) -> Branches:
    """Several questions in one row: each a prompt with one or more responses."""
    tokens, positions, predicting, targets = list[int](), list[int](), list[int](), list[int]()
    edges, starts, answers = list[tuple[int, ...]](), [0], list[tuple[int, ...]]()
    for prompt, responses in questions:
        ends = [len(tokens), len(tokens) + len(prompt)]
        tokens += prompt
        positions += range(len(prompt))
        for response in responses:
            inputs = response.tokens[:-1]
            predicting += [ends[1] - 1, *range(len(tokens), len(tokens) + len(inputs))]
            answers.append(tuple(starts[-1] + i for i in response.answer))
            targets += response.tokens
            starts.append(len(targets))
            positions += range(len(prompt), len(prompt) + len(inputs))
            tokens += inputs
            ends.append(len(tokens))
        edges.append(tuple(ends))
    return Branches(
        tokens_1T=torch.tensor([tokens], device=device),
        positions_1T=torch.tensor([positions], device=device),
        edges=tuple(edges),
        predicting_N=torch.tensor(predicting, device=device),
        targets_N=torch.tensor(targets, device=device),
        starts=tuple(starts),
        answers=tuple(answers),
    )


def rows_of(prompt: Sequence[int], responses: Sequence[Response]) -> int:
    """How many rows a question takes."""
    return len(prompt) + sum(len(response.tokens) - 1 for response in responses)


def read(student: nn.Module, branches: Branches, **more: Any) -> Any:
    """The model's output on this row, `more` being arguments of its forward; inside `branch_attention`."""
    return student(
        input_ids=branches.tokens_1T,
        position_ids=branches.positions_1T,
        use_cache=False,
        branches=branches,
        **more,
    )


def branch_means(values_N: torch.Tensor, branches: Branches) -> torch.Tensor:
    """Mean over each branch's tokens, (K,): long responses count no more than short ones."""
    spans = zip(branches.starts, branches.starts[1:], strict=False)
    return torch.stack([values_N[start:end].mean() for start, end in spans])


def token_weights(weights_K: torch.Tensor, branches: Branches) -> torch.Tensor:
    """Weights (N,) of tokens that make a sum over them the sum of `branch_means` by the branches' own weights."""
    lengths_K = torch.tensor([end - start for start, end in pairwise(branches.starts)], device=weights_K.device)
    return (weights_K / lengths_K).repeat_interleave(lengths_K, output_size=branches.starts[-1])


def mean_weights(branches: Branches) -> torch.Tensor:
    """The same where all branches of a question count alike and together 1."""
    shares = [1 / (len(edges) - 2) for edges in branches.edges for _ in edges[2:]]
    return token_weights(torch.tensor(shares, device=branches.targets_N.device), branches)


@contextlib.contextmanager
def branch_attention(student: PreTrainedModel) -> Iterator[None]:
    """Selects the attention function that branches need; the model's own comes back afterwards, for `generate`."""
    AttentionInterface.register(NAME, attend)
    own: str = student.config._attn_implementation
    student.set_attn_implementation(NAME)
    try:
        yield
    finally:
        student.set_attn_implementation(own)


def attend(
    module: nn.Module,
    query_1HTD: torch.Tensor,
    key_1GTD: torch.Tensor,
    value_1GTD: torch.Tensor,
    attention_mask: None,
    *,
    branches: Branches,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """The prompt's rows see each other causally, a branch's rows the prompt and each other; (1, T, H, D)."""
    attend_rows = AttentionInterface()[attention.register()]
    if triton_runs(query_1HTD) and not (torch.is_grad_enabled() and query_1HTD.requires_grad):
        words_11TW = branches.mask.words_BTW[:, None]
        places = {"tree_positions": branches.positions_1T, "tree_length": branches.mask.length_B}
        output_1THD, _ = attend_rows(module, query_1HTD, key_1GTD, value_1GTD, words_11TW, **places, **settings)
        return output_1THD, None
    sizes = [view.span.end - view.span.start for view in branches.views]
    # Split and not sliced: the gradient of a slice is as large as the whole, of every one of them.
    queries, keys, values = (each.split(sizes, dim=2) for each in (query_1HTD, key_1GTD, value_1GTD))
    outputs, prompt = [], 0
    for number, view in enumerate(branches.views):
        if view.span.shared:
            key_1GsD, value_1GsD = (torch.cat((each[prompt], each[number]), dim=2) for each in (keys, values))
        else:
            prompt, key_1GsD, value_1GsD = number, keys[number], values[number]
        output_1tHD, _ = attend_rows(
            module,
            queries[number],
            key_1GsD,
            value_1GsD,
            view.visible_11ts,
            tree_positions=view.query_positions_1t,
            tree_key_positions=view.key_positions_1s,
            **settings,
        )
        outputs.append(output_1tHD)
    return torch.cat(outputs, dim=1), None
