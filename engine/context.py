"""Whether prompts have tokens and fit the context with their answers, asked of all before the first is answered.

A prompt that does not fit is refused, never cut: a cut one asks another question, and a chat template's opening turn is
what would go first.
"""

from collections.abc import Iterable

from transformers import PreTrainedModel


def check_fit(
    prompts: Iterable[tuple[str, int, int]], context_length: int | None, *, remedy: str = "shorten it"
) -> None:
    """Refuses the first prompt that is empty or does not fit.

    Args:
        prompts: what to call each one, its tokens, and the cap on new tokens.
        context_length: positions of the model; None: as many as one likes.
        remedy: what to do about it.

    Raises:
        ValueError: naming it and its length.
    """
    for what, tokens, cap in prompts:
        if not tokens:
            msg = f"{what}: expected a prompt of at least one token, got an empty one; give it some text"
            raise ValueError(msg)
        if context_length is not None and tokens + cap > context_length:
            msg = (
                f"{what}: expected prompt plus new tokens within the model's context of {context_length}, got {tokens} "
                f"+ {cap}; {remedy}"
            )
            raise ValueError(msg)


def context_of(model: PreTrainedModel) -> int | None:
    """Positions a model was made for; None where its configuration names none."""
    found = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return found if isinstance(found, int) else None
