"""Where text becomes token ids: the chat template, the tokenizer, and what either of them may do wrong.

Templates and tokenizers are other people's files. A template may raise, a text may hold half a character, and a
tokenizer may know tokens that its model has no embedding for; each is told in one line, before a forward pass.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

ROWS = "offbook_embedding_rows"  # an attribute of tokenizers that were loaded with their model


class EncodingError(ValueError):
    """A text that cannot become token ids of this model; one line."""


def name_of(tokenizer: "PreTrainedTokenizerBase") -> str:
    """What to call the model of a tokenizer: of a local folder its last part."""
    given = str(tokenizer.name_or_path or "this model")
    return Path(given).name if Path(given).is_dir() else given


def render_turns(
    tokenizer: "PreTrainedTokenizerBase",
    turns: Sequence[Mapping[str, str]],
    *,
    add_generation_prompt: bool = True,
    name: str | None = None,
) -> str:
    """Turns (`role`, `content`) as one text in the tokenizer's chat template.

    Args:
        tokenizer: it has a template.
        turns: in order.
        add_generation_prompt: open the assistant's turn; else the last turn stays open.
        name: what to call the model in errors; `name_of` by default.

    Raises:
        EncodingError: the template refuses these turns, or is none.
    """
    name = name or name_of(tokenizer)
    for turn in turns:
        check_text(turn["content"], f"a {turn['role']} turn for {name}")
    try:
        text = tokenizer.apply_chat_template(
            [dict(turn) for turn in turns],
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            continue_final_message=not add_generation_prompt,
        )
    except Exception as error:  # a template is a program; it may raise whatever it likes
        roles = ", ".join(str(turn["role"]) for turn in turns)
        reason = " ".join(str(error).split()) or "no reason"
        line = getattr(error, "lineno", None)
        place = "" if line is None else f" in its line {line}"
        msg = (
            f"{name}: expected a chat template that renders turns of {roles}, got {type(error).__name__}{place}: "
            f"{reason:.200}; mend the template, leave out what it refuses, or go without it"
        )
        raise EncodingError(msg) from error
    if not isinstance(text, str):
        msg = f"{name}: expected a chat template that renders text, got {type(text).__name__}; mend the template"
        raise EncodingError(msg)
    return text


def token_ids(
    tokenizer: "PreTrainedTokenizerBase", text: str, *, special: bool = True, rows: int | None = None
) -> list[int]:
    """Token ids of a text.

    Args:
        tokenizer: turns it into ids.
        text: what to encode.
        special: add the special tokens that the tokenizer adds by itself.
        rows: of the model's embedding; by default as `pretrained.load` found them.

    Raises:
        EncodingError: half a character in the text, or a token that the model has no row for.
    """
    check_text(text, f"a text for {name_of(tokenizer)}")
    ids = [int(token) for token in tokenizer(text, add_special_tokens=special)["input_ids"]]
    check_ids(ids, tokenizer, rows)
    return ids


def rows_of(model: "PreTrainedModel") -> int:
    """How many token ids a model has an embedding for."""
    weight: Any = model.get_input_embeddings().weight
    return int(weight.shape[0])


def check_ids(ids: Iterable[int], tokenizer: "PreTrainedTokenizerBase", rows: int | None = None) -> None:
    """Refuses token ids that the model has no embedding for.

    Raises:
        EncodingError: the largest of them.
    """
    rows = getattr(tokenizer, ROWS, None) if rows is None else rows
    largest = max(ids, default=0)
    if rows is not None and largest >= rows:
        token = tokenizer.convert_ids_to_tokens(largest)
        msg = (
            f"{name_of(tokenizer)}: expected token ids below {rows}, the rows of the model's embedding, got {largest} "
            f"({token!r}): the tokenizer has tokens that the embedding was not resized for; resize it, or take the "
            "tokenizer that the model was trained with"
        )
        raise EncodingError(msg)


def check_text(text: str, what: str) -> None:
    """Refuses text that is no Unicode: half of a surrogate pair, as bytes that are no UTF-8 become in Python.

    Raises:
        EncodingError: the first, with its place.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        msg = (
            f"{what}: expected Unicode text, got the lone surrogate U+{ord(text[error.start]):04X} at character "
            f"{error.start + 1}; re-encode it as UTF-8"
        )
        raise EncodingError(msg) from None
