"""Several responses to one prompt in a single row: the prompt once, every response a branch under the tree mask.

    row         prompt | response 0 | response 1 | ...
    positions   0..P-1 | P, P+1 ... | P, P+1 ... | ...
    visible     a branch sees the prompt and itself, never another branch

It is the same sum as one row a response, without paying for the prompt K times. The first token of every response is
predicted by the prompt's last row, which all branches share; a response's last token predicts nothing and is left out.

Legend: T rows, N predicted tokens of all branches one after the other, V vocabulary.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel

from offbook.engine.decoding import attention
from offbook.engine.training.paths import Response


@dataclass(frozen=True, kw_only=True)
class Branches:
    """A prompt with its branches, laid out.

    Attributes:
        tokens_1T, positions_1T: token ids and absolute positions.
        visible_TT: which rows each row sees.
        predicting_N: the row that predicts each response token.
        targets_N: that token.
        starts: where each branch begins among the N tokens, and N at the end.
        answers: of each branch, the indices among the N tokens that hold the answer.
    """

    tokens_1T: torch.Tensor
    positions_1T: torch.Tensor
    visible_TT: torch.Tensor
    predicting_N: torch.Tensor
    targets_N: torch.Tensor
    starts: tuple[int, ...]
    answers: tuple[tuple[int, ...], ...]


def lay_out(prompt: Sequence[int], responses: Sequence[Response], device: torch.device | str = "cpu") -> Branches:
    """One prompt with one or more responses."""
    tokens, positions = list(prompt), list(range(len(prompt)))
    branch = [-1] * len(prompt)  # of each row; the prompt is nobody's
    predicting: list[int] = []
    targets: list[int] = []
    starts = [0]
    answers = []
    for k, response in enumerate(responses):
        inputs = response.tokens[:-1]
        predicting += [len(prompt) - 1, *range(len(tokens), len(tokens) + len(inputs))]
        answers.append(tuple(starts[-1] + i for i in response.answer))
        targets += response.tokens
        starts.append(len(targets))
        positions += range(len(prompt), len(prompt) + len(inputs))
        tokens += inputs
        branch += [k] * len(inputs)
    branch_T = torch.tensor(branch)
    own = branch_T[:, None] == branch_T[None, :]
    visible_TT = (own | (branch_T[None, :] < 0)) & torch.ones(len(tokens), len(tokens), dtype=torch.bool).tril()
    return Branches(
        tokens_1T=torch.tensor([tokens], device=device),
        positions_1T=torch.tensor([positions], device=device),
        visible_TT=visible_TT.to(device),
        predicting_N=torch.tensor(predicting, device=device),
        targets_N=torch.tensor(targets, device=device),
        starts=tuple(starts),
        answers=tuple(answers),
    )


def response_logits(student: nn.Module, branches: Branches) -> torch.Tensor:
    """Logits (N, V) that predict every response token, in fp32; inside `branch_attention`."""
    output = student(
        input_ids=branches.tokens_1T,
        attention_mask=branches.visible_TT[None, None],
        position_ids=branches.positions_1T,
        use_cache=False,
        logits_to_keep=branches.predicting_N,
        tree_positions=branches.positions_1T,
        tree_key_positions=branches.positions_1T,
    )
    logits: torch.Tensor = output.logits[0].float()
    return logits


def token_losses(logits_NV: torch.Tensor, branches: Branches) -> torch.Tensor:
    """Cross-entropy (N,) of every response token, in nats."""
    return functional.cross_entropy(logits_NV, branches.targets_N, reduction="none")


def branch_means(values_N: torch.Tensor, branches: Branches) -> torch.Tensor:
    """Mean over each branch's tokens, (K,): long responses count no more than short ones."""
    spans = zip(branches.starts, branches.starts[1:], strict=False)
    return torch.stack([values_N[start:end].mean() for start, end in spans])


@contextlib.contextmanager
def branch_attention(student: PreTrainedModel) -> Iterator[None]:
    """Selects the attention function that branches need; the model's own comes back afterwards, for `generate`."""
    own: str = student.config._attn_implementation
    student.set_attn_implementation(attention.register())
    try:
        yield
    finally:
        student.set_attn_implementation(own)
