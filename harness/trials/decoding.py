"""The answers of a heat: all arms on one document before the next one, timed alike, and watched.

The order of the arms is rotated from document to document; whatever slows the machine for a while slows all of them.
What a decoder does once for all its answers (`ReadyDecoder`) it does before anybody is asked, so that no document pays.
Every arm begins an answer to the first document before the first counted one and once more behind the last, uncounted.
A heat that was stopped goes on behind the documents that all arms have answered, in the order that it had; from the
first where an arm remembers documents.

An arm is watched where its account can be held against something that it does not write itself:

- How often the target was called: once for the prompt and once a round (`transformers` may call once more behind an
  end). Who calls it oftener drafts with it in secret, who calls it less did not ask it. A contender that runs the model
  in another program (`Contender.outside`) makes no call that could be counted; manifests name it.
- Both uncounted answers are the same, round by round. Where they differ, the arm remembers other documents, so its
  speed is not that of somebody's first prompt.

What was found goes into the manifest, and into the tables.
"""

import hashlib
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import torch
from pydantic import JsonValue

from offbook.engine.collection import collected_later
from offbook.engine.decoding.decoder import Limits, make_ready
from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.metrics import acceptance_length, tokens_per_second
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import visible_text
from offbook.engine.decoding.target_rounds import captures
from offbook.engine.progress import Progress
from offbook.harness.records.spent import spending
from offbook.harness.roster.arms import Arm
from offbook.harness.roster.target import Target

WARM_UP_TOKENS = 8
BATCH = 1  # documents that an arm answers at once


def decode(
    target: Target,
    arms: Sequence[Arm],
    prompts: Mapping[int, torch.Tensor],
    *,
    suite: str,
    sampling: Sampling,
    limits: Mapping[int, Limits],
    seed: int,
    title: str,
    progress: Progress,
    answered: Callable[[int, Mapping[str, Generation], Mapping[str, str]], None],
    there: Collection[int] = (),
    rehearse: Callable[[str], None] | None = None,
) -> Mapping[str, str]:
    """Lets all arms answer all documents, and says what an arm was found to do that it should not, by arm.

    Args:
        target: the model.
        arms: who answers.
        prompts: token ids (1, P) by doc_id.
        suite: whose documents they are.
        sampling: how tokens are drawn.
        limits: where an answer ends, by doc_id.
        seed: of the order and of every random number.
        title: of the heat, for people.
        progress: is told how far it is.
        answered: is given each doc_id that all arms have answered, with the answers and what was found so far, by arm.
        there: documents that were answered before.
        rehearse: is given the first answer's text before the second is asked for.

    Raises:
        ValueError: what a decoder cannot do with a prompt, or what `rehearse` raises.
    """
    order = list(arms)
    random.Random(seed).shuffle(order)
    watch = _Watch(target, suite, sampling, seed)
    left = [doc_id for doc_id in prompts if doc_id not in there]
    total, done, (first, *_) = len(order) * len(left), 0, prompts
    short = replace(limits[first], max_new_tokens=min(WARM_UP_TOKENS, limits[first].max_new_tokens))
    longest = max(prompts[doc_id].shape[1] + limits[doc_id].max_new_tokens for doc_id in prompts)
    before: dict[str, Generation] = {}
    for number, arm in enumerate(order):
        progress.update(0, total, f"{title}: warming up {arm.id} ({number + 1}/{len(order)})")
        make_ready(arm.decoder, sampling=sampling, rows=longest)
        before[arm.id] = watch.generate(arm, first, prompts[first], short)
    generations: dict[str, dict[int, Generation]] = {arm.id: {} for arm in arms}
    for turn, doc_id in enumerate(prompts):
        if doc_id in there:
            continue
        shift = turn % len(order)
        for arm in order[shift:] + order[:shift]:
            answer = watch.generate(arm, doc_id, prompts[doc_id], limits[doc_id])
            generations[arm.id][doc_id] = answer
            told = f"{title}: {arm.id} {pace(list(generations[arm.id].values()))}"
            done += 1
            progress.update(done, total, told)
            if rehearse is not None and done == 1:
                rehearse(visible_text(target.detokenize(answer.tokens), limits[doc_id].stop_strings))
        answered(doc_id, {arm.id: generations[arm.id][doc_id] for arm in arms}, watch.found())
    for arm in order:
        watch.compare(arm, before[arm.id], watch.generate(arm, first, prompts[first], short))
    return watch.found()


def conditions(target: Target) -> dict[str, JsonValue]:
    """What is equal for all arms, for the manifest: `captured` where a GPU plays rounds that it has captured."""
    told: dict[str, JsonValue] = {"order": "rotated", "warm_up_tokens": WARM_UP_TOKENS, "batch": BATCH}
    if captures(target.backbone):
        told["captured"] = True
    return told


def document_seed(seed: int, suite: str, doc_id: int) -> int:
    """The seed of one answer, the same for all arms: who draws a position like the others says what they say."""
    digest = hashlib.sha256(f"{seed}/{suite}/{doc_id}".encode()).digest()
    return int.from_bytes(digest[:8]) >> 2  # torch takes 63 bits


def pace(generations: Sequence[Generation]) -> str:
    """Tokens per second and acceptance length, for people."""
    return f"{tokens_per_second(generations):.1f} tok/s, {acceptance_length(generations):.2f} a forward"


class _Watch:
    """Asks the arms, and holds what they say of themselves against what was seen."""

    def __init__(self, target: Target, suite: str, sampling: Sampling, seed: int) -> None:
        self.target, self.suite, self.sampling, self.seed = target, suite, sampling, seed
        self._calls: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._remembers: dict[str, str] = {}

    def generate(self, arm: Arm, doc_id: int, prompt_1P: torch.Tensor, limits: Limits) -> Generation:
        """One answer of an arm."""
        generator = self.target.generator(document_seed(self.seed, self.suite, doc_id))
        try:  # a collection in the middle would be charged to whoever is running
            with collected_later(), spending("forwards"), self.target.backbone.counted() as calls:
                answer = arm.decoder.generate(prompt_1P, sampling=self.sampling, limits=limits, generator=generator)
        except ValueError as error:
            msg = f"{self.suite}, document {doc_id}, {arm.name}: {error}"
            raise ValueError(msg) from error
        if not arm.outside:
            self._calls[arm.id].append((1 + answer.target_forwards, calls.number))
        return answer

    def compare(self, arm: Arm, before: Generation, after: Generation) -> None:
        """Notes where an arm answers the first document otherwise than it did at first."""
        if (before.tokens, before.rounds) != (after.tokens, after.rounds):
            was, now = (f"{len(g.tokens)} tokens in {g.target_forwards} rounds" for g in (before, after))
            self._remembers[arm.id] = (
                f"answered the first document otherwise behind the last one ({now}) than at first ({was}): it "
                "remembers other documents, so its speed is not that of a first prompt"
            )

    def found(self) -> dict[str, str]:
        """What was seen, by arm."""
        found = dict(self._remembers)
        for arm, calls in self._calls.items():
            said, seen = (sum(numbers) for numbers in zip(*calls, strict=True))
            if any(not told <= counted <= told + 1 for told, counted in calls):
                told = f"called the target {seen} times and accounts for {said}: its rounds are not what was run"
                found[arm] = f"{found[arm]}; it {told}" if arm in found else told
        return found
