"""A corpus as token ids: each question's prompt once, its rationales as the answers that may follow.

The prompt is `corpus.instruct(question)` as a user turn; a response is the rationale with its answer line and the
end-of-sequence token. The answer's tokens are the same ones in all rationales of a question (checked here), so that
answer distributions can be compared position by position. A response also knows which of its tokens open a step.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from offbook.engine.chat_answers import chat_tokens
from offbook.engine.encoding import check_ids, check_text
from offbook.engine.students.corpus import Corpus, Rationale, instruct

STEP_END = re.compile(r"[.?!:]\s+|\n\s*")  # a point inside a number or a time of day ends no step


@dataclass(frozen=True, kw_only=True)
class Response:
    """Token ids of one response; indices in it of the tokens that hold the answer, and of those that open a step."""

    tokens: tuple[int, ...]
    answer: tuple[int, ...]
    openers: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Paths:
    """One question: prompt ids and K responses, None where a perspective is missing."""

    id: str
    prompt: tuple[int, ...]
    responses: tuple[Response | None, ...]

    def present(self) -> list[int]:
        """The perspectives that are there."""
        return [k for k, response in enumerate(self.responses) if response is not None]

    def some(self, perspectives: Sequence[int]) -> list[Response]:
        """The responses of these perspectives, which are there."""
        found = [response for k in perspectives if (response := self.responses[k]) is not None]
        assert len(found) == len(perspectives), "a missing perspective"
        return found


def encode_corpus(
    corpus: Corpus, tokenizer: PreTrainedTokenizerBase, *, max_length: int, tagged: bool = False
) -> list[Paths]:
    """Every question of a corpus as token ids, in order.

    Args:
        corpus: the questions.
        tokenizer: the student's.
        max_length: of a prompt with one of its responses.
        tagged: responses open with a line that names their perspective.

    Raises:
        ValueError: a question longer than `max_length` tokens with one of its rationales, or whose answer falls into
            different tokens in two of them.
    """
    encoded = []
    for i, question in enumerate(corpus.questions):
        rationales = [corpus.path(i, k) for k in range(len(corpus.perspectives))]
        responses = [None if r is None else _encode(r, tokenizer, tagged=tagged) for r in rationales]
        prompt = tuple(chat_tokens(tokenizer, instruct(question.question)))
        longest = max(len(r.tokens) for r in responses if r is not None)
        if len(prompt) + longest > max_length:
            msg = (
                f"question {question.id}: expected at most {max_length} tokens with any rationale, got "
                f"{len(prompt) + longest}; raise max_length or shorten it"
            )
            raise ValueError(msg)
        _check_answers(question.id, responses)
        encoded.append(Paths(id=question.id, prompt=prompt, responses=tuple(responses)))
    return encoded


def _encode(rationale: Rationale, tokenizer: PreTrainedTokenizerBase, *, tagged: bool) -> Response:
    tag = f"{rationale.perspective}:\n" if tagged else ""
    start, end = rationale.answer_span
    return encode_text(tag + rationale.text, (len(tag) + start, len(tag) + end), tokenizer)


def encode_text(text: str, answer_span: tuple[int, int], tokenizer: PreTrainedTokenizerBase) -> Response:
    """A text as the student is to write it, the end-of-sequence token behind it.

    Raises:
        ValueError: no token of it holds the answer, or see `engine.encoding`.
    """
    check_text(text, "a rationale")
    encoding = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    check_ids(encoding["input_ids"], tokenizer)
    start, end = answer_span
    # A token may carry the space before the answer; it overlaps the answer all the same.
    answer = tuple(i for i, (a, b) in enumerate(encoding["offset_mapping"]) if a < end and b > start)
    if not answer:
        msg = f"expected a token that holds the answer of {text[-40:]!r}, got none; check the tokenizer"
        raise ValueError(msg)
    return Response(
        tokens=(*encoding["input_ids"], end_token(tokenizer)),
        answer=answer,
        openers=step_openers(text, encoding["offset_mapping"]),
    )


def step_openers(text: str, offsets: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Indices of the tokens that open a step: the first one, and the first behind a mark of `STEP_END`, blanks apart.

    Args:
        text: what was encoded.
        offsets: where each token lies in it, first character and one past the last.
    """
    begins = [0, *(mark.end() for mark in STEP_END.finditer(text))]
    first = (next((i for i, (_, end) in enumerate(offsets) if end > begin), None) for begin in begins)
    return tuple(sorted({i for i in first if i is not None}))


def end_token(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that closes a turn.

    Raises:
        ValueError: the tokenizer has none.
    """
    if not isinstance(tokenizer.eos_token_id, int):
        msg = "expected a tokenizer with an end-of-sequence token, got one without; choose another --model"
        raise ValueError(msg)
    return tokenizer.eos_token_id


def _check_answers(question: str, responses: Sequence[Response | None]) -> None:
    answers = {tuple(r.tokens[i] for i in r.answer) for r in responses if r is not None}
    if len(answers) > 1:
        msg = (
            f"question {question}: expected the answer on the same tokens in all rationales, got {len(answers)} "
            "tokenisations; close every rationale with the same answer line"
        )
        raise ValueError(msg)
