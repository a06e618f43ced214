"""`offbook certify`: every test of losslessness that a contender can be put to, on development prompts and toys.

Greedy answers are held against plain decoding's, token by token. Above temperature 0 it depends on who draws. In
offbook's loop the law of the verifier is enumerated branch by branch, its real random numbers are drawn a million
times, the loop runs on a model small enough to enumerate, answers are held against plain decoding's from the same seeds
where candidates are a function of the text, and what is said on the real vocabulary against the law behind it; of drawn
candidates also whether they follow the laws that they are said to be drawn from, and whether these are, bit for bit,
what was drawn from. Who draws by itself is tested from outside: whole, on the small model, for which its drafter is
trained anew, and on the real vocabulary. Whoever is lossy by design is said to be.
"""

import contextlib
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from offbook.engine.chat_answers import chat_tokens
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.progress import Progress
from offbook.engine.quoting import quoted_path
from offbook.harness.artifacts.tune import development_prompts
from offbook.harness.certificates.contender_tests import ContenderTests, Extent
from offbook.harness.certificates.report import Report
from offbook.harness.roster.arms import build_arm
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import DECODERS
from offbook.harness.roster.target import Target

SAMPLINGS = (
    Sampling(temperature=1.0),
    Sampling(temperature=0.7, top_p=0.9),
    Sampling(temperature=1.5, top_k=3),  # so few that it is a filter on the toys too
)


def certify(
    target: Target,
    chosen: Contender,
    progress: Progress,
    *,
    manifest: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
    drafter_folder: Path | None = None,
    samplings: Sequence[Sampling] = SAMPLINGS,
    extent: Extent | None = None,
) -> Report:
    """Tests a contender on a target, in the layout that the target has.

    Args:
        target: what it decodes.
        chosen: the contender, of the roster or not.
        progress: is told how far it is.
        manifest: of the process.
        options: the contender's settings.
        drafter_folder: its trained drafter.
        samplings: settings above temperature 0.
        extent: how much is tested.

    Raises:
        ValueError: what `build_arm` refuses, greedy settings among `samplings`, a context without room for a prompt, or
            somebody else's contender that breaks.
    """
    extent = extent or Extent()
    if any(sampling.greedy for sampling in samplings):
        msg = "expected temperatures above 0, got 0; greedy answers are tested in any case: leave it out"
        raise ValueError(msg)
    arm = build_arm(target, chosen, options=options, drafter_folder=drafter_folder)
    texts = [chat_tokens(target.tokenizer, prompt.asked) for prompt in development_prompts(extent.prompts)]
    most = target.backbone.context_length - extent.answer_tokens
    fitting = [ids for ids in texts if len(ids) <= most]
    if not fitting:
        msg = (
            f"expected a context with room for a prompt and {extent.answer_tokens} tokens of an answer, got "
            f"{target.backbone.context_length} tokens; lower --max-new-tokens"
        )
        raise ValueError(msg)
    tests = ContenderTests(
        target,
        chosen,
        arm,
        options=options or {},
        prompts=dict(enumerate(fitting)),
        progress=progress,
        extent=extent,
    )
    with _told(chosen):
        parts = [tests.greedy(), *([tests.design()] if chosen.lossy else [])]
        for sampling in samplings:
            parts += tests.sampled(sampling)
    subject = {
        "decoder": chosen.name,
        "made_by": None if arm.made_by is None else arm.made_by.model_dump(mode="json"),
        "options": dict(arm.options),
        "drafter_sha256": None if arm.drafter_id is None else arm.drafter_id.sha256,
        "model": target.name,
        "weights_sha256": target.weights_sha256,
        "dtype": target.dtype,
        "layout": arm.layout,
    }
    return Report(subject=subject, parts=parts, manifest=manifest)


@contextlib.contextmanager
def _told(chosen: Contender) -> Iterator[None]:
    """What somebody else's contender breaks with is theirs to mend, and no bug of offbook's.

    Raises:
        ValueError: with what it broke, and where.
    """
    try:
        yield
    except ValueError:
        raise
    except Exception as error:
        if DECODERS.get(chosen.name) is chosen:
            raise
        *_, frame = traceback.extract_tb(error.__traceback__)
        reason = " ".join(str(error).split()) or "nothing more"
        msg = (
            f"{chosen.name}: expected it to decode, got {type(error).__name__} ({reason:.200}) in "
            f"{quoted_path(frame.filename)}, line {frame.lineno}; mend it, then certify it again"
        )
        raise ValueError(msg) from error
