"""Whether what takes part was trained on the documents that it is asked, as far as its folder tells.

A document was trained on where thirteen words in a row of one of its texts stand in a training prompt, every number
counting as one word; a shorter text counts where it is the whole of one. offbook writes hashes of these into every
drafter and student that it trains (`engine/trained_on.py`). Of others nothing is known, and manifests say that.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from offbook.engine.trained_on import TrainedOn
from offbook.harness.roster.arms import Arm
from offbook.harness.suites.requests import Request


def exposure(
    taking_part: Mapping[str, TrainedOn | None], requests: Sequence[Request], *, whose: str
) -> tuple[dict[str, str], list[str]]:
    """What is to be said of those that take part.

    Args:
        taking_part: what each learned from, by name; None where nobody asks: a decoder without a drafter, a base model.
        requests: what they are asked.
        whose: what the tables tell of them: "acceptance" or "accuracy".

    Returns:
        Of each that was trained on some of these documents, a sentence without its name; and the names of those whose
        folder does not say what they were trained on.
    """
    found: dict[str, str] = {}
    for name, trained_on in taking_part.items():
        seen = 0 if trained_on is None else sum(trained_on.holds(request.texts) for request in requests)
        if seen:
            found[name] = (
                f"was trained on {seen} of these {len(requests)} documents: its {whose} is not that on new ones"
            )
    return found, sorted(name for name, on in taking_part.items() if on is not None and not on.known)


def heat_exposure(
    arms: Sequence[Arm], model: str, of_model: TrainedOn | None, requests: Sequence[Request], seen: Mapping[str, str]
) -> dict[str, Any]:
    """The part of a heat's manifest that tells what was found, `seen` while it ran included.

    Args:
        arms: of the heat.
        model: what the checkpoint is called.
        of_model: what it learned from.
        requests: the heat's documents.
        seen: what was found of arms, by their names.
    """
    drafters, unknown = exposure({arm.id: arm.trained_on for arm in arms}, requests, whose="acceptance")
    models, unknown_model = exposure({model: of_model}, requests, whose="accuracy")
    parts = [seen, drafters, models]
    names = dict.fromkeys(name for part in parts for name in part)
    found = {name: "; it ".join(part[name] for part in parts if name in part) for name in names}
    told: dict[str, Any] = {"found": found} if found else {}
    if outside := [arm.id for arm in arms if arm.outside]:
        told["outside"] = outside  # their forwards are not seen from here
    if lossy := [arm.id for arm in arms if arm.lossy]:
        told["lossy"] = lossy
    return told | ({"training_unknown": nobody_knows} if (nobody_knows := [*unknown, *unknown_model]) else {})
