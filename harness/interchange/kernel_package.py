"""An operation of `kernels/` as a package that stands alone: its modules, and those of the room that they import.

The operation's own modules lie at the top, those of others below their names; all imports are relative. Its
operators are registered under a name that the package's `_ops` makes, so that several versions can be loaded at once.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import offbook.kernels

ROOM = Path(offbook.kernels.__file__).resolve().parent
_PREFIX = "offbook.kernels"
_IMPORT = re.compile(rf"^([ \t]*)from {re.escape(_PREFIX)}((?:\.\w+)*) import", re.MULTILINE)
_OPERATOR = re.compile(r"""(["'])offbook::(\w+)\1""")
_CALL = re.compile(r"\btorch\.ops\.offbook\b")
_ALLOWED = sys.stdlib_module_names | {"torch", "triton", "numpy"}


def operations() -> tuple[str, ...]:
    """Those with Triton kernels."""
    return tuple(sorted(path.parent.name for path in ROOM.glob("*/triton.py")))


def package(operation: str) -> dict[str, str]:
    """Source files by their place in the package.

    Raises:
        ValueError: a module needs more than torch, Triton, numpy and Python.
    """
    modules = _reached([operation])

    def relative(depth: int, name: str) -> str:
        return "." * (depth + 1) + _place(name, operation)

    files = _rewritten(modules, operation, relative)
    for place, source in files.items():
        files[place] = _with_operators(source, depth=place.count("/"))
        _check_imports(place, files[place])
    return files


def benchmarks(operation: str, name: str) -> dict[str, str]:
    """What the operation is timed on and against, a package beside the other; none where it does not say.

    Args:
        operation: of the room.
        name: under which the package itself is imported.
    """
    inside = _reached([operation])
    modules = {
        module: path for module, path in _reached([f"{operation}.timed"], inside).items() if module not in inside
    }

    def relative(depth: int, module: str) -> str:
        place = _place(module, operation)
        return f"{name}.{place}".rstrip(".") if module in inside else "." * (depth + 1) + place

    files = _rewritten(modules, operation, relative)
    return files and {"__init__.py": '"""What the kernel is timed on, and against what."""\n'} | files


def public(operation: str) -> tuple[str, ...]:
    """The names that it offers."""
    tree = ast.parse((ROOM / operation / "__init__.py").read_text(encoding="utf-8"))
    lists = [n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__"]
    return tuple(name for names in lists for name in ast.literal_eval(names))


def _reached(modules: Iterable[str], known: Iterable[str] = ()) -> dict[str, Path]:
    """Modules below the room, and all that they import of it, with the packages that hold them."""
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if path is None or name in found:
            continue
        found[name] = path
        parent = name.rpartition(".")[0]
        waiting += [parent] if parent not in (*known, "") else []
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{_PREFIX}."):
                below = (node.module or "").removeprefix(_PREFIX).strip(".")
                waiting += [below, *(f"{below}.{alias.name}".strip(".") for alias in node.names)]
    return found


def _file(name: str) -> Path | None:
    """Of a module below the room; None where a name is none."""
    place = ROOM.joinpath(*name.split(".")) if name else ROOM / "-"
    paths = (place / "__init__.py", place.with_name(f"{place.name}.py"))
    return next((path for path in paths if path.is_file()), None)


def _place(name: str, operation: str) -> str:
    """Of a module within the package, as a dotted name; "" for the package itself."""
    return "" if name == operation else name.removeprefix(f"{operation}.")


def _rewritten(modules: dict[str, Path], operation: str, relative: Callable[[int, str], str]) -> dict[str, str]:
    files = {}
    for name, path in sorted(modules.items()):
        parts = [part for part in _place(name, operation).split(".") if part]
        place = "/".join([*parts, "__init__.py"] if path.name == "__init__.py" else [*parts[:-1], f"{parts[-1]}.py"])

        def shorter(found: re.Match[str], depth: int = place.count("/")) -> str:
            return f"{found[1]}from {relative(depth, found[2].strip('.'))} import"

        assert place not in files, f"two modules want to be {place}"
        files[place] = _IMPORT.sub(shorter, path.read_text(encoding="utf-8"))
    return files


def _with_operators(source: str, depth: int) -> str:
    """Operators get the namespace of `_ops`, whose import comes before all others."""
    changed = _CALL.sub("ops", _OPERATOR.sub(r"add_op_namespace_prefix(\1\2\1)", source))
    names = [name for name in ("add_op_namespace_prefix", "ops") if re.search(rf"\b{name}\b", changed)]
    if changed == source:
        return source
    imports = [node for node in ast.parse(changed).body if isinstance(node, ast.Import | ast.ImportFrom)]
    first = next(node for node in imports if ast.unparse(node).split()[1] != "__future__")
    lines = changed.splitlines(keepends=True)
    lines.insert(first.lineno - 1, f"from {'.' * (depth + 1)}_ops import {', '.join(names)}\n")
    return "".join(lines)


def _check_imports(place: str, source: str) -> None:
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
        for name in names:
            if name.partition(".")[0] not in _ALLOWED:
                msg = f"{place}: expected imports of torch, triton, numpy and Python alone, got {name}; leave it out"
                raise ValueError(msg)
