"""The draft vocabulary: the tokens the target uses most, so that a drafter's head stays small."""

from collections import Counter
from collections.abc import Sequence

import torch

from offbook.engine.drafters.answers import Answer


def draft_vocabulary(answers: Sequence[Answer], *, size: int, vocab_size: int) -> torch.Tensor:
    """Target token ids (size,), ascending: most frequent in the answers, then in the prompts, then lowest id.

    (Byte-pair vocabularies are numbered roughly by frequency, so low ids are a fair guess for the rest.)

    Raises:
        ValueError: a size outside 1..vocab_size.
    """
    check_size(size, vocab_size)
    in_answers = Counter(token for a in answers for token in a.answer_tokens)
    in_prompts = Counter(token for a in answers for token in a.prompt_tokens)
    ranked = sorted(range(vocab_size), key=lambda t: (-in_answers[t], -in_prompts[t], t))
    return torch.tensor(sorted(ranked[:size]))


def share_outside(answers: Sequence[Answer], token_ids: torch.Tensor) -> float | None:
    """Share of answer tokens that a drafter of this vocabulary can never propose; None where there are no tokens."""
    known = set(token_ids.tolist())
    tokens = [token for answer in answers for token in answer.answer_tokens]
    return sum(token not in known for token in tokens) / len(tokens) if tokens else None


def check_size(size: int, vocab_size: int) -> None:
    """Refuses a draft vocabulary that is no part of the target's; asked before the target answers anything.

    Raises:
        ValueError: a size outside 1..vocab_size.
    """
    if not 1 <= size <= vocab_size:
        msg = f"expected a draft vocabulary of 1 to {vocab_size} tokens, got {size}; change draft_vocab_size"
        raise ValueError(msg)
