"""Whatever is written goes through `engine.files`, so that a full disk is one line with a path, and no file is half.

Read from the source: a library's writer may stand only inside of a block that names the file.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("engine", "tasks", "methods", "baselines", "harness", "kernels")
WRITERS = frozenset(
    (
        "save_file",
        "save_pretrained",
        "write_text",
        "write_bytes",
        "copyfile",
        "copy2",
        "copytree",
        "rename",
        "extractall",
    )
)
BLOCKS = frozenset(("writing", "atomic_path", "atomic_files", "kept_in"))
EXCUSED = {
    ("engine/embedded_folder.py", "_dequantise"): "called inside of prepare's block",
    ("engine/embedded_folder.py", "_unpack"): "called inside of prepare's block",
    ("engine/decoding/clock.py", "reset_peak"): "a switch of the kernel's, no file",
    ("kernels/vocab_loss/memory.py", "_begin"): "a switch of the kernel's, no file",
    ("kernels/bench.py", "main"): "a developer's tool, which needs a checkout and torch alone",
    ("kernels/proof/dry_compile.py", "_disassembled"): "likewise, into a temporary folder",
    ("kernels/proof/machine_record.py", "save_record"): "likewise, whole or not at all",
    ("kernels/timing/rows.py", "append"): "likewise",
}


def bare_writers(tree: ast.AST, function: str = "", block: bool = False) -> Iterator[tuple[str, str, int]]:
    """Writers outside of a block: the function they stand in, their name, their line."""
    for node in ast.iter_child_nodes(tree):
        inside, name = block, function
        if isinstance(node, ast.FunctionDef):
            inside, name = False, node.name
        elif isinstance(node, ast.With):
            inside = block or any(called(item.context_expr) in BLOCKS for item in node.items)
        elif isinstance(node, ast.Call) and not block and (writes(node) or called(node) in WRITERS):
            yield function, called(node), node.lineno
        yield from bare_writers(node, name, inside)


def called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def writes(call: ast.Call) -> bool:
    """Whether it opens a file to write."""
    modes = [
        argument.value
        for argument in [*call.args, *(k.value for k in call.keywords)]
        if isinstance(argument, ast.Constant)
    ]
    return called(call) == "open" and any(
        isinstance(mode, str) and set(mode) & set("wax+") and len(mode) <= 3 for mode in modes
    )


def test_every_writer_stands_in_a_block_that_names_the_file():
    found = {
        (str(path.relative_to(ROOT)), function): f"{path.relative_to(ROOT)}:{line}: {name}"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if path != ROOT / "engine" / "files.py"
        for function, name, line in bare_writers(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert {place: where for place, where in found.items() if place not in EXCUSED} == {}
    assert set(found) == set(EXCUSED), "an excuse that nobody needs"


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("p.write_text('x')", 1),
        ("with p.open('a') as f: pass", 1),
        ("with writing(p), p.open('a') as f: pass", 0),
        ("with open(p, 'wb') as f: pass", 1),
        ("with p.open('rb') as f: pass", 0),
        ("with atomic_files(f) as w:\n    m.save_pretrained(w)", 0),
        ("with atomic_files(f) as w:\n    def g():\n        m.save_pretrained(w)", 1),
        ("m.save_pretrained(w)", 1),
        ("x.replace('a', 'b')", 0),
    ],
)
def test_what_is_looked_for_is_found(source, count):
    assert len(list(bare_writers(ast.parse(source)))) == count
