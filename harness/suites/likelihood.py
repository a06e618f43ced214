"""What a question's right answer, or each of its choices, is worth to a model in nats, behind the line "The answer is".

Contexts and continuations become tokens as lm-eval's do (`TemplateLM._encode_pair`): a continuation's tokens are those
that the whole text has behind as many as its context has. Choices are scored as its `multiple_choice` tasks score them
with `gen_prefix: The answer is`.
"""

import math
import re
from collections.abc import Callable, Sequence

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.continuations import continuation_logprobs
from offbook.harness.records.choice_scores import ChoiceScores
from offbook.tasks.choice_question import LEAD, ChoiceQuestion

Encode = Callable[[str], list[int]]
_STATED = re.compile(re.escape(LEAD), re.IGNORECASE)


def choice_scores(
    backbone: Backbone, encode: Encode, question: ChoiceQuestion, *, prompt: str, templated: bool, answer: str
) -> ChoiceScores:
    """How likely each choice is, and which one an answer names.

    Args:
        backbone: of the model.
        encode: turns text into its tokens.
        question: with its choices.
        prompt: that asks it, the turn of the answer opened.
        templated: whether that is a chat template's.
        answer: what was generated.

    Raises:
        NotFiniteError: logits that are not finite.
    """
    context, continuations = encoded(encode, choice_context(question, prompt, templated), question.continuations)
    loglikelihoods = [sum(each) for each in continuation_logprobs(backbone, context, continuations)]
    return ChoiceScores(
        right=question.right,
        named=question.named(answer),
        loglikelihoods=tuple(min(0.0, value) for value in loglikelihoods),
        characters=tuple(map(len, question.choices)),
        mass=min(1.0, _mass(continuations, loglikelihoods)),
        listed=question.listed,
    )


def gold_nll(backbone: Backbone, encode: Encode, gold: str, *, prompt: str, templated: bool, answer: str) -> float:
    """-ln P(the right answer | prompt, the answer's own rationale, "The answer is"), in nats; see `choice_scores`.

    Ours: the probability of the whole answer, not a mean over its tokens, which would make long numbers look easy.
    """
    context, (continuation,) = encoded(encode, rationale_context(prompt, answer, templated), [f" {gold}"])
    (values,) = continuation_logprobs(backbone, context, [continuation])
    return max(0.0, -sum(values))


def choice_context(question: ChoiceQuestion, prompt: str, templated: bool) -> str:
    """The prompt with the line "The answer is" begun."""
    return _begun(question.prompt_for_likelihood(prompt), templated)


def rationale_context(prompt: str, answer: str, templated: bool) -> str:
    """The prompt, what an answer says before its last line "The answer is" (all, where it has none), and that line."""
    stated = [match.start() for match in _STATED.finditer(answer)]
    rationale = (answer[: stated[-1]] if stated else answer).rstrip()
    return f"{prompt}{rationale}\n{LEAD}" if rationale.strip() else _begun(prompt, templated)


def encoded(encode: Encode, context: str, continuations: Sequence[str]) -> tuple[list[int], list[list[int]]]:
    """A context's tokens, and those of each continuation behind it; as lm-eval, see the module."""
    tokens = encode(context)
    return tokens, [encode(context + continuation)[len(tokens) :] for continuation in continuations]


def _begun(prompt: str, templated: bool) -> str:
    """A template opens the turn; a bare prompt is parted from the line by a space, as lm-eval has it."""
    return f"{prompt}{LEAD}" if templated or prompt[-1:].isspace() else f"{prompt} {LEAD}"


def _mass(continuations: Sequence[Sequence[int]], loglikelihoods: Sequence[float]) -> float:
    """The probability that any continuation comes: of one that begins as another does, the other holds it already."""
    apart = {tuple(tokens): value for tokens, value in zip(continuations, loglikelihoods, strict=True)}
    return sum(
        math.exp(value)
        for tokens, value in apart.items()
        if not any(tokens != other and tokens[: len(other)] == other for other in apart)
    )
