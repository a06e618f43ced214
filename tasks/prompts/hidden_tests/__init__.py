"""What the functions that the code prompts ask for must give: a few calls each, never shown to a model.

A function is right when every one of its calls gives what is expected (`matching`). The calls are Python expressions,
evaluated beside the answer's own names in the sandbox; what they should give stays outside of it. Files that a call
opens are in `FILES`. Raise `version` in offbook_code.yaml when a test changes: scores are then other scores.
"""

import functools
from pathlib import Path

from offbook.tasks.prompts import sandbox
from offbook.tasks.prompts.hidden_tests import (
    asked,
    asked_further,
    everyday,
    functions,
    lists,
    numbers,
    structures,
    texts,
)
from offbook.tasks.prompts.hidden_tests.matching import Case, equal

HELPERS = Path(__file__).with_name("helpers.py").read_text(encoding="utf-8")
FILES = {"lines.txt": "first\n\nsecond line\nthird\n\n", "one.txt": "only"}
HIDDEN_TESTS: dict[str, tuple[Case, ...]] = {
    name: tuple(cases)
    for module in (asked, asked_further, numbers, texts, lists, structures, functions, everyday)
    for name, cases in module.CASES.items()
}


@functools.lru_cache(maxsize=4096)
def passes(source: str, function: str) -> bool:
    """Whether code that defines a function gives what is expected of it, in the sandbox.

    Equal code is run once: in a heat all decoders give the same answers at temperature 0.

    Raises:
        KeyError: nothing is expected of a function of this name.
        NotSandboxedError: this machine cannot run it safely; nothing was run.
    """
    cases = HIDDEN_TESTS[function]
    given = sandbox.run(source, [call for call, _ in cases], helpers=HELPERS, files=FILES)
    return given is not None and all(equal(expected, value) for (_, expected), value in zip(cases, given, strict=True))
