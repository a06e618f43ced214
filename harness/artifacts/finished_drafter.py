"""Whether the finished drafter of a folder is another than is asked for: told before anybody answers for it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from offbook.engine.drafters.config import TrainingConfig, held_out
from offbook.engine.drafters.ngrams import CountedArchitecture
from offbook.engine.resuming.state import something_else
from offbook.engine.trained_on import told_of
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.drafter_info import CONFIG
from offbook.harness.roster.target import Target
from offbook.tasks.prompts import Prompt


def check_finished(
    folder: Path,
    contender: Contender,
    target: Target,
    config: TrainingConfig,
    prompts: Sequence[Prompt],
    variant: Mapping[str, JsonValue],
) -> None:
    """Refuses a folder whose finished drafter is another than these would give; one without any is left alone.

    All is compared that a training is made of but for the answers themselves, which decide once they are there: whose
    drafter it is, of which target, in which variant, with which settings, and on which prompts, if it says so.

    Raises:
        ValueError: it is another.
    """
    record = folder / CONFIG
    if not record.is_file():
        return
    try:
        found = json.loads(record.read_bytes())
        known_prompts = "trained_on" in found["training"]
        same = _made_of(found) == _asked_for(contender, target, config, prompts if known_prompts else None, variant)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):  # no record of ours
        same = False
    if not same:
        raise something_else(record)


def _made_of(record: Mapping[str, Any]) -> dict[str, Any]:
    training, counted = record["training"], "order" in record
    return {
        "architecture": record["architecture"],
        "target": record["target"],
        "variant": record.get("variant", {}),
        "settings": {} if counted else {name: training.get(name) for name in asdict(TrainingConfig())},
        "trained_on": training.get("trained_on"),
    }


def _asked_for(
    contender: Contender,
    target: Target,
    config: TrainingConfig,
    prompts: Sequence[Prompt] | None,
    variant: Mapping[str, JsonValue],
) -> dict[str, Any]:
    architecture = contender.trained(variant)
    counted = isinstance(architecture, CountedArchitecture)
    words = {p.id: p.prompt for p in prompts or () if not (counted and held_out(p.id, config.dev_fraction))}
    return {
        "architecture": architecture.name,
        "target": asdict(target.identity),
        "variant": {} if isinstance(architecture, CountedArchitecture) else dict(architecture.variant),
        "settings": {} if counted else asdict(config),
        "trained_on": None if prompts is None else told_of(words.values()),
    }
