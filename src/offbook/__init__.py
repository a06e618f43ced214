"""offbook: which trick makes a small language model cheaper to run, and is the speed really free?

    target = offbook.load("smollm2-135m-instruct")              a model, by alias, folder or Hugging Face id
    offbook.generate(target, "Why?", decoder="prompt_lookup")   one answer with its full account
    run = offbook.evaluate("offbook_qa", limit=4)               decoders compared on suites, as `offbook evaluate` does
    offbook.records(run.folder)                                 a data frame, a row a record
    offbook.answers(run.folder)                                 the same, a row a document

and for a decoder of one's own `Drafter` (what it must do), `Tree` (what it proposes) and `Contender` (how it joins the
roster): docs/your-decoder.md. Everything else is in the rooms, imported by name: `offbook.kernels`, `offbook.engine`,
`offbook.tasks`, `offbook.methods`, `offbook.baselines` and `offbook.harness`.

Names are imported when they are first asked for, so that `import offbook` takes no time.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offbook.door import evaluate, generate
    from offbook.engine.decoding.drafter import Drafter
    from offbook.engine.decoding.tree import Tree
    from offbook.harness.roster.contender import Contender
    from offbook.harness.roster.target import load_target as load
    from offbook.harness.tables.frames import answers, records

__version__ = "0.1.0"
__all__ = ["Contender", "Drafter", "Tree", "answers", "evaluate", "generate", "load", "records"]

_FOUND_AT = {
    "Contender": ("offbook.harness.roster.contender", "Contender"),
    "Drafter": ("offbook.engine.decoding.drafter", "Drafter"),
    "Tree": ("offbook.engine.decoding.tree", "Tree"),
    "answers": ("offbook.harness.tables.frames", "answers"),
    "evaluate": ("offbook.door", "evaluate"),
    "generate": ("offbook.door", "generate"),
    "load": ("offbook.harness.roster.target", "load_target"),
    "records": ("offbook.harness.tables.frames", "records"),
}


def __getattr__(name: str) -> object:
    """What `_FOUND_AT` names, imported on first use (PEP 562)."""
    if name not in _FOUND_AT:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    module, attribute = _FOUND_AT[name]
    found: object = getattr(importlib.import_module(module), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
