"""`offbook ls` without a store: what there is to choose from, told without loading any of it."""

from offbook.engine.embedded import ALIASES
from offbook.harness.roster.decoders import contenders
from offbook.harness.roster.distillers import distillers
from offbook.harness.settings.profiles import load_profile, profile_names
from offbook.kernels.native_library import native_available
from offbook.tasks.suite_names import suite_names


def listing() -> str:
    """Decoders, distillation methods, suites, profiles, models and layouts of their weights, one a line."""
    sections = {
        "decoders": {c.name: f"{c.summary}{' [trained]' if c.architecture else ''}" for c in contenders().values()},
        "distillation methods": {m.name: m.summary for m in distillers().values()},
        "suites": dict.fromkeys(suite_names(), "") | {"...": "any generating task of lm-eval, by its own name"},
        "profiles": {name: load_profile(name)[1].description for name in profile_names()},
        "models": {name: f"embedded, {embedded.requirement}" for name, embedded in ALIASES.items()}
        | {"...": "a local folder, or a Hugging Face id"},
        "layouts of the weights": layouts(),
    }
    lines = []
    for title, entries in sections.items():
        width = max(map(len, entries))
        lines += [f"{title}:", *(f"  {name:{width}}  {text}".rstrip() for name, text in entries.items()), ""]
    return "\n".join(lines).rstrip()


def layouts() -> dict[str, str]:
    """What each layout is, and whether this machine has it."""
    native, found = native_available()
    return {
        "transformers": "the model as it is",
        "prepacked": "matrices laid out for the products of this CPU",
        "packed": f"exact small weights in C ({found})" if native else f"not here: {found}",
    }
