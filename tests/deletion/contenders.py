"""Every contender of this repository: where it lies, under which names the roster knows it, how to take it out.

A contender is a folder of `methods/`, or a folder or a file of `baselines/*/`. Left out is `autoregressive`: speed and
losslessness are measured against it, so no heat runs without it.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOMS = ("kernels", "engine", "tasks", "methods", "baselines", "harness")
ROSTERS = {
    "harness/roster/decoders.py": "IN_LOOP",
    "harness/roster/networks.py": "NETWORKS",
    "harness/roster/own_loops.py": "OWN_LOOPS",
    "harness/roster/random_drafters.py": "UNTRAINED",
    "harness/roster/distillers.py": "_METHODS",
}
NEEDED = "autoregressive"
OTHER_NAMES = {
    "transformers_generate": ("hf_generate", "hf_prompt_lookup", "hf_assisted"),
    "prompt_lookup": ("prompt_lookup", "lookup_else_eagle2"),  # a combination goes with either part
    "jakiro": ("jakiro", "jakiro_decoupled"),
    "medusa": ("medusa", "medusa_typical", "medusa2"),  # whose heads are trained with a student
    "eagle2": ("eagle2", "lookup_else_eagle2", "eagle"),
}
SKIPPED = (".git", ".nox", "__pycache__", "runs")


class Entrant(NamedTuple):
    """A contender as the tree has it.

    Attributes:
        path: its folder or file, from the root.
        module: how it is imported.
        names: what the roster calls it.
    """

    path: Path
    module: str
    names: tuple[str, ...]


def entrants(root: Path) -> list[Entrant]:
    """All but the one that is needed, in order of their paths."""
    folders = [path.parent for room in ("methods/*", "baselines/*/*") for path in root.glob(f"{room}/__init__.py")]
    files = [path for path in (root / "baselines").glob("*/*.py") if path.stem not in ("__init__", NEEDED)]
    found = []
    for path in sorted([*folders, *files]):
        place = path.relative_to(root)
        module = ".".join(["offbook", *place.with_suffix("").parts])
        found.append(Entrant(place, module, OTHER_NAMES.get(path.stem, (path.stem,))))
    return found


def without(source: str, table: str, names: Sequence[str]) -> str:
    """A roster's source without the entries of these names, and without private functions that only they used."""
    tree, lines = ast.parse(source), source.splitlines(keepends=True)
    (listed,) = (node.value for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign) and _is(node, table))
    for node in reversed(list(_entries(listed, names))):
        lines[node.lineno - 1 : node.end_lineno] = []
    source = "".join(lines)
    while unused := _unused_function(source):
        lines = source.splitlines(keepends=True)
        lines[unused.lineno - 1 : unused.end_lineno] = []
        source = "".join(lines)
    return source


def importers(root: Path, entrant: Entrant) -> list[str]:
    """Files of the rooms, its own left out, that name its module."""
    named = re.compile(rf"\b{re.escape(entrant.module)}\b")
    return sorted(p.as_posix() for p in _others(root, entrant) if named.search((root / p).read_text(encoding="utf-8")))


def askers(root: Path, entrant: Entrant) -> list[str]:
    """Files of the rooms in which one of its names is a value, but for its own and those of who goes with it.

    What is said of a contender is no value.
    """
    family = {other.path for other in entrants(root) if set(other.names) & set(entrant.names)}
    places = (p for p in _others(root, entrant) if not family & {p, *p.parents})
    return sorted(p.as_posix() for p in places if _is_value(root / p, entrant.names))


def naming_tests(root: Path, entrant: Entrant) -> set[Path]:
    """Tests, and what they import of other tests, that say one of its names or its path; they go with it.

    Settings and fixtures of a whole folder (conftest.py) stay, whomever they name: the tests of all others need them.
    """
    words = "|".join(map(re.escape, {entrant.path.stem, *entrant.names}))
    named = re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])")
    files = (path for path in (root / "tests").rglob("*.py") if path.name != "conftest.py")
    texts = {path.relative_to(root): path.read_text(encoding="utf-8") for path in files}
    found = {path for path, text in texts.items() if named.search(text) or named.search(path.stem)}
    while more := {path for path, text in texts.items() if path not in found and _imported(text) & found}:
        found |= more
    return found


def _others(root: Path, entrant: Entrant) -> Iterator[Path]:
    """Files of the rooms but for its own, from the root."""
    for path in (found for room in ROOMS for found in (root / room).rglob("*.py")):
        place = path.relative_to(root)
        if place != entrant.path and entrant.path not in place.parents and not set(place.parts) & set(SKIPPED):
            yield place


def _is_value(path: Path, names: Sequence[str]) -> bool:
    """Whether one of these names is a value in a file."""
    text = path.read_text(encoding="utf-8")
    if not any(name in text for name in names):  # most files, without their syntax
        return False
    return any(isinstance(node, ast.Constant) and node.value in names for node in ast.walk(ast.parse(text)))


def _is(node: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)] == [name]


def _entries(table: ast.expr | None, names: Sequence[str]) -> Iterator[ast.expr]:
    """The entries of a table, a dict or a tuple of calls, that construct one of these names; each on its own lines."""
    assert isinstance(table, ast.Dict | ast.Tuple)
    for call in table.values if isinstance(table, ast.Dict) else table.elts:
        assert isinstance(call, ast.Call)
        told = [*(k.value for k in call.keywords if k.arg == "name"), *call.args[:1]]
        if isinstance(told[0], ast.Constant) and told[0].value in names:
            yield call


def _unused_function(source: str) -> ast.FunctionDef | None:
    for node in ast.parse(source).body:
        private = isinstance(node, ast.FunctionDef) and node.name.startswith("_")
        if private and len(re.findall(rf"\b{node.name}\b", source)) == 1:
            return node
    return None


def _imported(text: str) -> set[Path]:
    """The files of tests that a test imports."""
    modules = re.findall(r"^(?:from|import) (tests\.[\w.]+)", text, re.M)
    return {Path(*module.split(".")).with_suffix(".py") for module in modules}
