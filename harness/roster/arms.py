"""The arms of a heat: contenders with their settings and drafters, built on one target."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, JsonValue

from offbook.engine.decoding.decoder import Decoder
from offbook.engine.decoding.drafter import levels_by_pass
from offbook.engine.quoting import LONGEST_PATH, quoted, shortened
from offbook.engine.trained_on import TrainedOn
from offbook.harness.records.drafter import PLAIN_LAYOUT, DrafterId, DrafterInfo, MadeFor, arm_id, tagged_id
from offbook.harness.records.origin import Origin
from offbook.harness.records.redaction import shown_settings
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.draft_model import MODELS, draft_model, drafts_by_model, recorded
from offbook.harness.roster.drafter_info import describe, fingerprint, variant_of
from offbook.harness.roster.target import Target
from offbook.harness.roster.trained_on import drafter_trained_on
from offbook.harness.roster.tuning import Tuning, tuned_options, under_control
from offbook.harness.settings.parse import parse


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A contender ready to decode.

    Attributes:
        name: of the contender.
        decoder: it, on the target.
        options: its settings, defaults filled in, as records tell them.
        made_by: whose code it is, where it is none of this repository's.
        layout: of the target's weights while it decodes.
        tuning: what cuts its rounds, as its manifest tells it, with its hash; None where nothing does.
        outside: see `Contender`.
        lossy: see `Contender`.
        drafter_id: its trained weights, or the model that drafts; None without any.
        drafter: what these cost; None without any.
        trained_on: what these learned from; None without any.
        id: its name inside of a heat; see `told_apart`.
    """

    name: str
    decoder: Decoder
    options: Mapping[str, JsonValue]
    layout: str = PLAIN_LAYOUT
    tuning: Mapping[str, JsonValue] | None = None
    outside: bool = False
    lossy: bool = False
    made_by: Origin | None = None
    drafter_id: DrafterId | None = None
    drafter: DrafterInfo | None = None
    trained_on: TrainedOn | None = None
    id: str = ""

    @property
    def tuning_sha256(self) -> str | None:
        """Of what cuts its rounds."""
        return None if self.tuning is None else str(self.tuning["sha256"])

    @property
    def remembers(self) -> bool:
        """Whether how it decodes a document hangs on those before: its option `memory` is "suite"."""
        return self.options.get("memory") == "suite"

    @property
    def plain_id(self) -> str:
        """Its name inside of a heat where nobody else has it."""
        return arm_id(self.name, self.drafter_id)


def told_apart(arms: Sequence[Arm]) -> tuple[Arm, ...]:
    """Arms with names of their own, where one contender takes part with several settings or drafters.

    Raises:
        ValueError: two that do not differ.
    """
    count = Counter(arm.plain_id for arm in arms)
    named = tuple(
        replace(
            arm,
            id=arm.plain_id
            if count[arm.plain_id] == 1
            else tagged_id(arm.name, arm.drafter_id, arm.options, arm.layout, arm.tuning_sha256),
        )
        for arm in arms
    )
    if twice := [name for name, times in Counter(arm.id for arm in named).items() if times > 1]:
        msg = f"expected arms that differ, got {quoted(twice[0])} twice with the same settings; leave one out"
        raise ValueError(msg)
    return named


def build_arms(
    target: Target,
    names: Sequence[str],
    *,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    drafter_folders: Mapping[str, Path] | None = None,
    made_for: MadeFor = "target",
    layout: str | None = None,
    tuning: Tuning | None = None,
    temperature: float = 0.0,
) -> list[Arm]:
    """Builds contenders by name.

    Args:
        target: what they decode.
        names: of the roster, each once.
        options: settings by contender's name; left out ones keep their defaults.
        drafter_folders: trained drafters by contender's name.
        made_for: whom these were trained for.
        layout: see `build_arm`.
        tuning: see `build_arm`.
        temperature: see `build_arm`.

    Raises:
        ValueError: an unknown or repeated name, settings or drafters for who does not take part, a drafter that is
            missing or not this target's.
    """
    options, drafter_folders = options or {}, drafter_folders or {}
    check_names(names, options, drafter_folders)
    return [
        build_arm(
            target,
            contender(name),
            options=options.get(name),
            drafter_folder=drafter_folders.get(name),
            made_for=made_for,
            layout=layout,
            tuning=tuning,
            temperature=temperature,
        )
        for name in names
    ]


def check_names(names: Sequence[str], options: Mapping[str, Any], drafter_folders: Mapping[str, Any]) -> None:
    """Refuses a contender that takes part twice, and what is given to one that takes none.

    Raises:
        ValueError: see above.
    """
    if repeated := sorted({name for name in names if list(names).count(name) > 1}):
        msg = f"expected each decoder once, got {quoted(repeated[0])} twice; leave one out"
        raise ValueError(msg)
    for what, given in (("options", options), ("a drafter", drafter_folders)):
        if strangers := sorted(set(given) - set(names)):
            only, stranger = shortened(", ".join(names), LONGEST_PATH), quoted(strangers[0])
            msg = f"expected {what} for {only} only, got {what} for {stranger}; add it to --decoders"
            raise ValueError(msg)


def build_arm(
    target: Target,
    chosen: Contender,
    *,
    options: Mapping[str, Any] | None = None,
    drafter_folder: Path | None = None,
    made_for: MadeFor = "target",
    layout: str | None = None,
    tuning: Tuning | None = None,
    temperature: float = 0.0,
) -> Arm:
    """Builds one contender, whether it stands in the roster or not.

    Args:
        target: what it decodes.
        chosen: the contender.
        options: its settings; left out ones keep their defaults.
        drafter_folder: its trained drafter.
        made_for: whom that was trained for.
        layout: of the target's weights, for a contender that steps in any; by default the target's own.
        tuning: what cuts its rounds and gives its settings; None for nothing.
        temperature: that it will decode at, which the tuning distinguishes.

    Raises:
        ValueError: settings that it does not have, or a drafter that is missing, not this target's, or not wanted;
            or it builds no decoder; or a tuning that was made for something else, or for other settings.
    """
    name, folder = chosen.name, drafter_folder
    given = dict(options or {}) if tuning is None else tuned_options(tuning, name, dict(options or {}))
    settings: BaseModel = parse(chosen.options, given, source=f"options of {name}")
    if folder is not None and chosen.architecture is None:
        msg = f"{name}: expected no drafter, got {folder}; this decoder has nothing to train"
        raise ValueError(msg)
    in_layout = target if layout is None or chosen.outside else target.under(layout)
    decoder = chosen.build(in_layout, settings, folder)
    if not callable(getattr(decoder, "generate", None)):
        msg = (
            f"{name}: expected its build to return a decoder, got {quoted(decoder)}; return "
            "`target.speculative(drafter)`, or what has a method generate"
        )
        raise ValueError(msg)
    stepped = chosen.layout or in_layout.backbone.layout.name
    drafted = _drafted(settings, folder, made_for, getattr(decoder, "drafter", None))
    if tuning is not None:
        sha256 = drafted["drafter_id"].sha256 if drafted else None
        tuning.check(weights_sha256=target.weights_sha256, layout=stepped, drafter_sha256=sha256, decoder=name)
        decoder = under_control(decoder, tuning.tuned(name, temperature), name)
    return Arm(
        name=name,
        decoder=decoder,
        options=shown_settings(
            settings.model_dump(mode="json"), chosen.options, models=MODELS if drafts_by_model(chosen) else ()
        ),
        layout=stepped,
        tuning=None if tuning is None else tuning.facts(name, temperature),
        outside=chosen.outside,
        lossy=chosen.lossy,
        made_by=chosen.made_by,
        **drafted,
    )


def _drafted(settings: BaseModel, folder: Path | None, made_for: MadeFor, drafter: object) -> dict[str, Any]:
    """What an arm says of whose weights draft: trained ones, those of a model that its settings name, or none."""
    if folder is None:
        return {} if (model := draft_model(settings)) is None else recorded(model)
    return {
        "drafter_id": DrafterId(sha256=fingerprint(folder), made_for=made_for, variant=variant_of(folder)),
        "drafter": describe(folder).model_copy(update={"levels_by_pass": levels_by_pass(drafter)}),
        "trained_on": drafter_trained_on(folder),
    }
