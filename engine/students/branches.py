"""Several responses to one prompt in a single row: the prompt once, every response a branch behind it.

    row         prompt | response 0 | response 1 | ...
    positions   0..P-1 | P, P+1 ... | P, P+1 ... | ...
    visible     a branch sees the prompt and itself, never another branch

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
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface, PreTrainedModel

from offbook.engine.decoding import attention
from offbook.engine.students.paths import Response
from offbook.kernels.implementation import triton_runs
from offbook.kernels.tree_attention import TreeMask, block_causal_words

NAME = "offbook_branches"


@dataclass(frozen=True, kw_only=True)
class Branches:
    """A prompt with its branches, laid out.

    Attributes:
        tokens_1T, positions_1T: token ids and absolute positions.
        edges: the row behind the prompt, and behind every branch.
        predicting_N: the row that predicts each response token.
        targets_N: that token.
        starts: where each branch begins among the N tokens, and N at the end.
        answers: of each branch, the indices among the N tokens that hold the answer.
    """

    tokens_1T: torch.Tensor
    positions_1T: torch.Tensor
    edges: tuple[int, ...]
    predicting_N: torch.Tensor
    targets_N: torch.Tensor
    starts: tuple[int, ...]
    answers: tuple[tuple[int, ...], ...]

    @cached_property
    def mask(self) -> TreeMask:
        """What each row sees of all rows."""
        device = self.tokens_1T.device
        sizes = [end - start for start, end in pairwise(self.edges)]
        return TreeMask(
            words_BTW=block_causal_words(sizes, shared=self.edges[0], device=device)[None],
            length_B=torch.zeros(1, dtype=torch.int32, device=device),
            rows=self.edges[-1],
            positions_BN=self.positions_1T,
        )


def lay_out(prompt: Sequence[int], responses: Sequence[Response], device: torch.device | str = "cpu") -> Branches:
    """One prompt with one or more responses."""
    tokens, positions = list(prompt), list(range(len(prompt)))
    edges = [len(tokens)]
    predicting: list[int] = []
    targets: list[int] = []
    starts = [0]
    answers = []
    for response in responses:
        inputs = response.tokens[:-1]
        predicting += [len(prompt) - 1, *range(len(tokens), len(tokens) + len(inputs))]
        answers.append(tuple(starts[-1] + i for i in response.answer))
        targets += response.tokens
        starts.append(len(targets))
        positions += range(len(prompt), len(prompt) + len(inputs))
        tokens += inputs
        edges.append(len(tokens))
    return Branches(
        tokens_1T=torch.tensor([tokens], device=device),
        positions_1T=torch.tensor([positions], device=device),
        edges=tuple(edges),
        predicting_N=torch.tensor(predicting, device=device),
        targets_N=torch.tensor(targets, device=device),
        starts=tuple(starts),
        answers=tuple(answers),
    )


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
    """The same where all branches count alike and together 1."""
    count = len(branches.answers)
    return token_weights(torch.full((count,), 1 / count, device=branches.targets_N.device), branches)


@contextlib.contextmanager
def branch_attention(student: PreTrainedModel) -> Iterator[None]:
    """Selects the attention function that branches need; the model's own comes back afterwards, for `generate`."""
    AttentionInterface.register(NAME, _attend)
    own: str = student.config._attn_implementation
    student.set_attn_implementation(NAME)
    try:
        yield
    finally:
        student.set_attn_implementation(own)


def _attend(
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
    attend = AttentionInterface()[attention.register()]
    if triton_runs(query_1HTD) and not (torch.is_grad_enabled() and query_1HTD.requires_grad):
        words_11TW = branches.mask.words_BTW[:, None]
        places = {"tree_positions": branches.positions_1T, "tree_length": branches.mask.length_B}
        output_1THD, _ = attend(module, query_1HTD, key_1GTD, value_1GTD, words_11TW, **places, **settings)
        return output_1THD, None
    outputs = []
    for start, end in pairwise((0, *branches.edges)):
        if start == end:  # a response of one token has no rows
            continue
        query_positions_1t = branches.positions_1T[:, start:end]
        key_positions_1s = _seen(branches.positions_1T, 1, branches, start, end)
        output_1tHD, _ = attend(
            module,
            query_1HTD[:, :, start:end],
            _seen(key_1GTD, 2, branches, start, end),
            _seen(value_1GTD, 2, branches, start, end),
            (key_positions_1s[:, None, :] <= query_positions_1t[:, :, None])[:, None],
            tree_positions=query_positions_1t,
            tree_key_positions=key_positions_1s,
            **settings,
        )
        outputs.append(output_1tHD)
    return torch.cat(outputs, dim=1), None


def _seen(values: torch.Tensor, dim: int, branches: Branches, start: int, end: int) -> torch.Tensor:
    """What the rows from `start` to `end` see: the prompt's part of `values` and their own, s rows."""
    prompt = values.narrow(dim, 0, min(start, branches.edges[0]))
    return torch.cat((prompt, values.narrow(dim, start, end - start)), dim)
