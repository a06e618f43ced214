"""Mistakes a careless author could make in a kernel, each found by a check of its operation (tests/kernels/checks)."""

import contextlib
import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from offbook import kernels
from offbook.kernels.implementation import interpreted
from tests.kernels.running import interpreted_under_guard

if importlib.util.find_spec("triton") is None or not interpreted():
    pytest.skip("mutants are tried in interpreted kernels, for which Triton is not here", allow_module_level=True)

ROOM = Path(kernels.__file__).parent
OPS = sorted(path.stem for path in (Path(__file__).parent / "checks").glob("*.py"))
FEWEST = 3


def load_checks(op: str) -> ModuleType:
    return importlib.import_module(f"tests.kernels.checks.{op}")


MUTANTS = [(op, *mutant) for op in OPS for mutant in load_checks(op).MUTANTS]


def source_of(op: str) -> tuple[str, Path]:
    """Module of an operation's kernels, and its file; what several share lies in a file of its own."""
    shared = ROOM / f"{op}.py"
    return (
        (f"offbook.kernels.{op}", shared)
        if shared.exists()
        else (f"offbook.kernels.{op}.triton", ROOM / op / "triton.py")
    )


@contextlib.contextmanager
def replaced(name: str, file: Path) -> Iterator[None]:
    """A module read from another file, for whoever imports it meanwhile and for whoever holds it already."""
    module = importlib.import_module(name)
    kept = dict(vars(module))
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    mutant = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mutant)
    try:
        vars(module).update(vars(mutant))
        yield
    finally:
        vars(module).clear()
        vars(module).update(kept)


def run_checks(op: str) -> None:
    for check in load_checks(op).checks():
        check()


def test_every_operation_with_kernels_has_checks():
    kernels_of = {path.parent.name for path in ROOM.glob("*/triton.py")}
    assert kernels_of <= set(OPS)


@pytest.mark.parametrize("op", OPS)
def test_an_operation_has_several_mutants_of_different_names(op):
    names = [name for name, _, _ in load_checks(op).MUTANTS]
    assert len(set(names)) == len(names) >= FEWEST


@pytest.mark.parametrize("op", OPS)
def test_kernels_as_they_stand_pass_their_checks_when_read_from_another_file(op, tmp_path):
    name, source = source_of(op)
    copy = tmp_path / "copy.py"
    copy.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    with interpreted_under_guard("shuffle"), replaced(name, copy):
        run_checks(op)


@pytest.mark.parametrize(("op", "name", "old", "new"), MUTANTS, ids=[f"{op}: {name}" for op, name, _, _ in MUTANTS])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of numpy; a check has to find the mutant
def test_a_mutant_is_found(op, name, old, new, tmp_path):
    module, source = source_of(op)
    text = source.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"expected one place with {old!r}, got {text.count(old)}"
    assert new != old
    file = tmp_path / "mutant.py"
    file.write_text(text.replace(old, new), encoding="utf-8")
    found = None
    with replaced(module, file), interpreted_under_guard("shuffle"):
        try:
            run_checks(op)
        except Exception as error:
            found = error
    assert found is not None, "it survived"
    assert not any(isinstance(cause, (NameError, SyntaxError)) for cause in causes(found)), "it is no kernel"


def causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
