"""The two verbs of `import offbook`: answer one prompt, compare decoders on suites. Both go the command line's way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted

if TYPE_CHECKING:
    from offbook.engine.decoding.generation import Generation
    from offbook.engine.progress import Progress
    from offbook.harness.matrix.evaluate import Evaluated
    from offbook.harness.roster.contender import Contender
    from offbook.harness.roster.target import Target


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One prompt's answer.

    Attributes:
        text: without special tokens.
        generation: its tokens, verify forwards and seconds; see `engine.decoding.generation`.
    """

    text: str
    generation: "Generation"


def generate(
    target: "Target",
    prompt: str,
    *,
    decoder: "str | Contender" = "autoregressive",
    options: Mapping[str, Any] | None = None,
    drafter: str | Path | None = None,
    max_new_tokens: int = 128,
    temperature: float = 0.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 0,
    chat_template: bool | None = None,
) -> Answer:
    """Answers one prompt.

    Args:
        target: what `offbook.load` returned.
        prompt: what to say to it.
        decoder: who decodes, by name (`offbook ls` lists them), or a contender that is not installed anywhere.
        options: the decoder's settings; left out ones keep their defaults.
        drafter: folder of its trained drafter, for a decoder that needs one.
        max_new_tokens: cap on the answer, in tokens.
        temperature: 0 is greedy.
        top_k: tokens to draw from; 0 for all.
        top_p: share of the probability to draw from.
        seed: of every random number.
        chat_template: whether the prompt is rendered as a turn; by default where the model has a template.

    Raises:
        ValueError: an unknown decoder or setting, a drafter that is missing or another model's, an empty prompt, or one
            that does not fit the model's context together with the cap.
        TypeError: an argument of another kind.
    """
    from offbook.engine.decoding.sampling import Sampling
    from offbook.engine.encoding import check_text
    from offbook.harness.cli.options import LARGEST_SEED
    from offbook.harness.cli.stream import generate as answer
    from offbook.harness.roster.arms import build_arm
    from offbook.harness.roster.contender import Contender
    from offbook.harness.roster.decoders import contender
    from offbook.harness.roster.target import Target

    _check_kind(target=(target, Target, "what `offbook.load` returned"), prompt=(prompt, str, "a text"))
    _check_kind(
        decoder=(decoder, str | Contender, "a decoder's name or a Contender"),
        options=(options, Mapping | None, "settings by name"),
        drafter=(drafter, str | PathLike | None, "a folder"),
        max_new_tokens=(max_new_tokens, Integral, "a whole number"),
        temperature=(temperature, Real, "a number"),
        top_k=(top_k, Integral, "a whole number"),
        top_p=(top_p, Real, "a number"),
        seed=(seed, Integral, "a whole number"),
        chat_template=(chat_template, bool | None, "True, False or None"),
    )
    if not 0 <= seed <= LARGEST_SEED:
        msg = f"seed: expected a whole number from 0 to {LARGEST_SEED}, got {seed}; choose another"
        raise ValueError(msg)
    check_text(prompt, "the prompt")
    arm = build_arm(
        target,
        contender(decoder) if isinstance(decoder, str) else decoder,
        options=options,
        drafter_folder=None if drafter is None else user_path(drafter, what="drafter"),
    )
    pieces: list[str] = []
    generation = answer(
        target,
        arm,
        prompt,
        sampling=Sampling(temperature=temperature, top_k=top_k, top_p=top_p),
        max_new_tokens=max_new_tokens,
        seed=seed,
        chat_template=target.has_chat_template if chat_template is None else chat_template,
        write=pieces.append,
    )
    return Answer(text="".join(pieces), generation=generation)


def evaluate(
    tasks: str | Sequence[str],
    *,
    include_path: str | Path | None = None,
    progress: "Progress | None" = None,
    **settings: Any,
) -> "Evaluated":
    """Compares decoders on suites, as `offbook evaluate` does: one heat a suite, in one folder of records and tables.

    Args:
        tasks: suites by name, one or several (`offbook ls` lists them).
        include_path: a folder with more suites; it is code, and what its Python says is run.
        progress: is told how far it is; by default standard error.
        settings: what a file for `offbook evaluate --config` may set, such as `model`, `decoders`, `options`,
            `drafter`, `temperature`, `seed`, `limit`, `max_new_tokens` and `output`; see
            `harness.settings.evaluate.EvaluateSpec`.

    Returns:
        The `folder` that `offbook.records` reads, and whether every answer that was tested is the target's own
        (`lossless`); `tables.decoders` is its leaderboard.

    Raises:
        ValueError: an unknown setting, or what is asked for does not exist or does not fit together.
        TypeError: an argument of another kind.
    """
    from offbook.engine.progress import progress as bar
    from offbook.harness.matrix.evaluate import evaluate as run
    from offbook.harness.settings.evaluate import EvaluateSpec
    from offbook.harness.settings.parse import parse

    given = {name: value for name, value in settings.items() if value is not None}
    _check_kind(
        tasks=(None if isinstance(tasks, bytes) else tasks, str | Sequence, "a suite's name or a list of them"),
        include_path=(include_path, str | PathLike | None, "a folder"),
    )
    if progress is not None and not (hasattr(progress, "say") and hasattr(progress, "update")):
        msg = (
            f"progress: expected an object with say and update, got {quoted(progress)}; leave it out, or pass Silent()"
        )
        raise TypeError(msg)
    names = [tasks] if isinstance(tasks, str) else list(tasks)
    if not names:
        msg = "tasks: expected at least one suite, got none; `offbook ls` lists them"
        raise ValueError(msg)
    spec = parse(EvaluateSpec, {"tasks": names, **given}, source="settings of offbook.evaluate")
    more = None if include_path is None else user_path(include_path, what="include_path")
    if progress is not None:
        return run(spec, progress, include_path=more)
    with bar() as shown:
        return run(spec, shown, include_path=more)


def _check_kind(**arguments: tuple[object, Any, str]) -> None:
    """Refuses an argument of another kind; each is given with its type and with what that is called.

    Raises:
        TypeError: naming the first.
    """
    for name, (value, kind, what) in arguments.items():
        if not isinstance(value, kind) or (isinstance(value, bool) and kind in (Integral, Real)):
            msg = f"{name}: expected {what}, got {quoted(value)}; see help(offbook.generate) and help(offbook.evaluate)"
            raise TypeError(msg)
