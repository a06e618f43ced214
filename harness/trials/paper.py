"""The questions of an exam, rendered for one tokenizer: the same for all students of a base model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from offbook.engine.context import check_fit
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.quoting import quoted
from offbook.harness.records.exam import SuiteSpec
from offbook.harness.roster.target import Target
from offbook.harness.suites.likelihood import choice_context
from offbook.harness.suites.rehearsal import check_metric, check_prompts
from offbook.harness.suites.requests import Asked, Request, ask
from offbook.harness.suites.suite import Suite
from offbook.tasks.choice_question import LEAD
from offbook.tasks.exam_groups import IN_DISTRIBUTION, Group
from offbook.tasks.source import origin_of


@dataclass(frozen=True, kw_only=True)
class Paper:
    """See the module; `max_new_tokens` is the cap on an answer, None for each document's own."""

    suites: tuple[SuiteSpec, ...]
    asked: tuple[Asked, ...]
    max_new_tokens: int | None
    batch_size: int
    chat_template: bool

    def not_done(self) -> list[str]:
        """What to tell people of suites whose task asks for sampling: an exam is greedy."""
        return [told for asked in self.asked if (told := asked.not_done(Sampling()))]

    def questions(self) -> Iterator[tuple[tuple[str, int], Request]]:
        """All documents, each under the place of its suite and its doc_id."""
        for place, asked in enumerate(self.asked):
            yield from (((str(place), request.doc_id), request) for request in asked.requests)

    def limits(self, target: Target, request: Request) -> Limits:
        """The exam's cap or the document's own, and its stop strings."""
        return target.limits(self.cap(request), request.stop_strings)

    def cap(self, request: Request) -> int:
        """On the answer to a document."""
        return self.max_new_tokens or request.max_new_tokens

    def asks_for_gold(self, place: str, request: Request) -> bool:
        """Whether the right answer is scored behind the answer's own rationale: in distribution, without choices."""
        return bool(request.gold) and self.suites[int(place)].group in IN_DISTRIBUTION


def set_paper(
    groups: Mapping[Group, Sequence[Suite]],
    target: Target,
    *,
    limit: int | None,
    max_new_tokens: int | None,
    batch_size: int,
    limits: Mapping[Group, int] | None = None,
) -> Paper:
    """Builds the requests of all suites.

    Args:
        groups: suites by what their accuracy is pooled into.
        target: who is asked.
        limit: documents of each suite, from the first; None for all.
        max_new_tokens: cap on an answer; None for each document's own.
        batch_size: documents answered at once.
        limits: the same as `limit`, of the suites of some groups.

    Raises:
        ValueError: a suite that does not generate, asks for settings of generation that are not done here or has no
            number a document, or a document that does not fit.
    """
    chat = target.has_chat_template
    found = [
        (group, suite, ask(suite, target, limit=(limits or {}).get(group, limit), chat_template=chat))
        for group, suites in groups.items()
        for suite in suites
    ]
    for *_, asked in found:
        check_prompts(asked, target, max_new_tokens=max_new_tokens)
        check_metric(asked, target)
    paper = Paper(
        suites=tuple(
            SuiteSpec(
                name=suite.name,
                group=group,
                fingerprint=asked.fingerprint,
                n_docs=len(asked.requests),
                origin=origin_of(suite.task().eval_docs),
            )
            for group, suite, asked in found
        ),
        asked=tuple(asked for *_, asked in found),
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        chat_template=chat,
    )
    check_fit(
        _measured(paper, target),
        target.backbone.context_length,
        remedy="lower max_new_tokens, take fewer documents, or choose a model with a longer context",
    )
    return paper


def _measured(paper: Paper, target: Target) -> Iterator[tuple[str, int, int]]:
    """What is read of each document beside its answer, as `check_fit` takes it; a byte counts as a token at first."""
    context = target.backbone.context_length
    for (place, doc_id), request in paper.questions():
        if request.question is not None:
            texts, room = list(request.question.continuations), 0
            prompt = choice_context(request.question, request.prompt, paper.chat_template)
        elif paper.asks_for_gold(place, request):
            texts, room, prompt = [f"\n{LEAD} {request.gold}"], paper.cap(request), request.prompt
        else:
            continue
        name = f"suite {quoted(paper.suites[int(place)].name)}, document {doc_id} with its right answer"
        tokens = len(prompt.encode(errors="surrogatepass"))
        longest = max(len(text.encode(errors="surrogatepass")) for text in texts)
        if tokens + room + longest > context:
            tokens = len(target.encode(prompt, templated=paper.chat_template))
            longest = max(len(target.encode(text, templated=True)) for text in texts)
        yield name, tokens, room + longest
