"""`offbook ls` without a store: what there is to choose from and what each needs, told without loading any of it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from offbook.engine.embedded import ALIASES
from offbook.harness.cli.this_machine import layouts
from offbook.harness.matrix.committed_costs import as_json, drafter_costs, student_costs
from offbook.harness.roster.decoders import contenders
from offbook.harness.roster.distillers import distillers
from offbook.harness.roster.needs import of_decoder, of_method
from offbook.harness.settings.profiles import load_profile, profile_names
from offbook.tasks.suite_names import suite_names

Entries = Mapping[str, list[str]]  # lines by name, of which the first stands beside it


def listing(machine: Mapping[str, str] | None = None) -> str:
    """Decoders, distillation methods, suites, profiles, models and layouts with what they need, and the machine.

    Args:
        machine: what it can do, in words; left out where nobody asked it.
    """
    sections: dict[str, Entries] = {
        "decoders": _decoders(),
        "distillation methods": _methods(),
        "suites": {name: [""] for name in suite_names()} | {"...": ["any generating task of lm-eval, by its own name"]},
        "profiles": {name: [load_profile(name)[1].description] for name in profile_names()},
        "models": {name: [f"embedded, {embedded.requirement}"] for name, embedded in ALIASES.items()}
        | {"...": ["a local folder, or a Hugging Face id"]},
        "layouts of the weights": _one_line(layouts()),
    }
    if machine is not None:
        sections["this machine"] = _one_line(machine)
    return "\n\n".join("\n".join(_lines(title, entries)) for title, entries in sections.items())


def listing_json() -> dict[str, Any]:
    """The same for programs, without the machine."""
    drafters, students = drafter_costs(), student_costs()
    return {
        "decoders": [
            {
                "name": each.name,
                "summary": each.summary,
                "needs": asdict(of_decoder(each)),
                "cost": as_json(drafters[each.name]) if each.name in drafters else None,
                "lossy": each.lossy,
            }
            for each in contenders().values()
        ],
        "methods": [
            {
                "name": each.name,
                "summary": each.summary,
                "needs": asdict(of_method(each)),
                "cost": as_json(students[each.name]) if each.name in students else None,
                "gives_drafter_of": each.drafter,
            }
            for each in distillers().values()
        ],
        "suites": list(suite_names()),
        "profiles": {name: load_profile(name)[1].description for name in profile_names()},
        "models": {name: embedded.requirement for name, embedded in ALIASES.items()},
        "layouts": layouts(),
    }


def _decoders() -> Entries:
    """Each with what it needs; of whose drafter the results tell, with what that took."""
    costs, found = drafter_costs(), dict[str, list[str]]()
    for each in contenders().values():
        needs = of_decoder(each).told(each.name)
        cost = [f"drafter: {costs[each.name].told()}"] if each.name in costs else []
        found[each.name] = [each.summary, *(f"needs {clause}" for clause in needs), *cost]
    return found


def _methods() -> Entries:
    costs, found = student_costs(), dict[str, list[str]]()
    for each in distillers().values():
        needs = of_method(each).told(each.name)
        cost = [costs[each.name].told()] if each.name in costs else []
        found[each.name] = [each.summary, *(f"needs {clause}" for clause in needs), *cost]
    return found


def _one_line(entries: Mapping[str, str]) -> Entries:
    return {name: [text] for name, text in entries.items()}


def _lines(title: str, entries: Entries) -> list[str]:
    width = max(map(len, entries))
    lines = [f"{title}:"]
    for name, (first, *others) in entries.items():
        lines.append(f"  {name:{width}}  {first}".rstrip())
        lines += [f"  {'':{width}}    {text}" for text in others]
    return lines
