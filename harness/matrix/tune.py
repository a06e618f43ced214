"""`offbook tune`: what rows cost in each layout of a model here, and what each decoder's candidates are worth.

The layout is the one with the fastest plain step; drafting hardly makes up for a slower one, and what it promises is
told against that layout's own plain row.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from offbook.engine.decoding.costs import RowCosts, measure_costs
from offbook.engine.decoding.layouts.names import LAYOUTS
from offbook.engine.files import atomic_write_bytes
from offbook.engine.progress import Progress
from offbook.harness.artifacts.tune import development_answers, tune_decoder, tuning_of
from offbook.harness.roster.arms import check_names
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import BASELINE, contender, contenders
from offbook.harness.roster.target import Target
from offbook.harness.roster.trained import trained_folder
from offbook.harness.roster.tuning import FILE, DecoderTuning

TEMPERATURES = (0.0, 1.0)
TOLD = (2, 4, 8, 16, 32)


def tune(
    target: Target,
    folder: Path,
    progress: Progress,
    *,
    decoders: Sequence[str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    drafters: Mapping[str, Path] | None = None,
    layout: str | None = None,
    temperatures: Sequence[float] = TEMPERATURES,
) -> Path:
    """Measures, says what it found, and writes `tuning.json`.

    Args:
        target: in any layout.
        folder: where the file goes.
        progress: is told.
        decoders: whom to tune; by default all that need no drafter, and those that have one.
        options: settings that are fixed, by decoder.
        drafters: trained ones, by decoder.
        layout: of the weights; by default the one with the fastest plain step.
        temperatures: of the answers to development prompts, the one that settings are chosen at first.

    Raises:
        ValueError: a decoder that cannot be tuned, or a layout that is not to be had.
    """
    begun, drafters, options = time.perf_counter(), drafters or {}, options or {}
    asked = whom(decoders, options, drafters)
    costs = _costs(target, layout, progress)
    chosen = min(costs, key=lambda name: costs[name].seconds[0][0])
    here = target.under(chosen)
    for name, table in costs.items():
        progress.say(f"{'*' if name == chosen else ' '} {name}: {_told(table)}")
    answers = {at: development_answers(here, at, progress) for at in temperatures}
    found = []
    for each in asked:
        progress.say(f"  {each.name}")
        tuned = tune_decoder(
            here,
            each,
            answers,
            costs[chosen],
            options=options.get(each.name),
            drafter_folder=drafters.get(each.name),
        )
        for line in lines(tuned):
            progress.say(f"    {line}")
        found.append(tuned)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    atomic_write_bytes(path, tuning_of(here, costs, answers, found).to_bytes())
    progress.say(f"tuned in {time.perf_counter() - begun:.0f} s")
    return path


def whom(
    decoders: Sequence[str] | None, options: Mapping[str, Mapping[str, Any]], drafters: Mapping[str, Path]
) -> list[Contender]:
    """Who is tuned; known before anything is loaded.

    Raises:
        ValueError: an unknown or repeated decoder, one that cannot be tuned or lacks its drafter, or settings or a
            drafter for who is not tuned.
    """
    asked = [contender(name) for name in decoders] if decoders else _tunable(drafters)
    check_names([each.name for each in asked], options, drafters)
    for each in asked:
        if not each.may_be_cut:
            msg = f"{each.name}: expected candidates that a controller may cut, got others; leave it out"
            raise ValueError(msg)
        if each.name == BASELINE or each.layout is not None:
            msg = f"{each.name}: expected a decoder with rounds in offbook's loop that draft, got another; leave it out"
            raise ValueError(msg)
        if each.architecture is not None:
            trained_folder(drafters.get(each.name), each.name)
    return asked


def lines(tuned: DecoderTuning) -> list[str]:
    """What was found of a decoder, for people."""
    settings = ", ".join(f"{name} {value}" for name, value in tuned.options.items())
    told = [f"settings: {settings or 'none'}; a draft takes {1000 * tuned.draft_s:.2f} ms"]
    for at in tuned.at:
        told.append(
            f"at temperature {at.temperature:g}: expected speed-up {at.speedup:.2f}; rounds that draft commit "
            f"{at.acceptance_length:.2f} tokens, and break even at {at.break_even:.2f}; accepted by position "
            f"{_shares(at.by_position)}, by rank {_shares(at.by_rank)}"
        )
    return told


def _tunable(drafters: Mapping[str, Path]) -> list[Contender]:
    """All with rounds in offbook's loop that can be built as they are."""
    return [
        each
        for each in contenders().values()
        if each.name != BASELINE
        and each.layout is None
        and each.may_be_cut
        and (each.architecture is None or each.name in drafters)
    ]


def _costs(target: Target, layout: str | None, progress: Progress) -> dict[str, RowCosts]:
    found = {}
    for number, name in enumerate(LAYOUTS if layout is None else [layout]):
        progress.update(number, len(LAYOUTS), f"what rows cost in the layout {name}")
        try:
            backbone = target.under(name).backbone
        except ValueError as error:
            if layout is not None:
                raise
            progress.say(f"  {name}: not here: {error}")
            continue
        found[backbone.layout.name] = measure_costs(backbone)
    return found


def _told(table: RowCosts) -> str:
    context = table.contexts[0]
    one = table.of(1, context)
    more = ", ".join(f"{rows} rows {table.of(rows, context) / one:.2f}" for rows in table.rows if rows in TOLD)
    return f"{1000 * one:.1f} ms a row behind {context} committed ones; over one row: {more}"


def _shares(shares: Sequence[float]) -> str:
    return "/".join(f"{share:.2f}" for share in shares[:6]) or "none"
