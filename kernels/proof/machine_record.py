"""What compiled kernels need of a GPU, as it is written down a row a kernel, and what is wrong with a new one."""

import csv
import importlib.metadata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from offbook.kernels.proof.case import Compiled
from offbook.kernels.proof.dry_compile import MachineCode

RECORDED = 90  # the capability whose rows are kept
# Bytes of shared memory that one program may have: 163 and 227 KiB (CUDA C programming guide, compute capabilities).
MOST_SHARED = {80: 166_912, 90: 232_448, 100: 232_448}
MOST_STACK = 128  # bytes a thread; an epilogue that spills once does no harm
MORE_REGISTERS = 1.1

Key = tuple[str, str, str, str, str]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A compiled kernel in the record; the fields are its columns."""

    op: str
    shape: str
    dtype: str
    kernel: str
    specialisation: str
    registers: int
    stack: int
    shared: int
    warps: int
    sass: str
    triton: str

    @property
    def key(self) -> Key:
        """What is compared with what."""
        return self.op, self.shape, self.dtype, self.kernel, self.specialisation


Rows = dict[Key, Row]


def row(case: Compiled, code: MachineCode) -> Row:
    """A kernel of a case, by the Triton that is installed."""
    return Row(
        op=case.op,
        shape=case.shape,
        dtype=case.dtype,
        kernel=code.kernel,
        specialisation=code.specialisation,
        registers=code.registers,
        stack=code.stack,
        shared=code.shared,
        warps=code.warps,
        sass=" ".join(f"{name}={count}" for name, count in code.sass.items()),
        triton=triton_version(),
    )


def triton_version() -> str:
    """Of the Triton that is installed."""
    return importlib.metadata.version("triton")


def missing(case: Compiled, codes: Iterable[MachineCode]) -> list[str]:
    """What a case was to launch and did not."""
    names = {code.kernel for code in codes}
    if not names:
        return ["it launches no kernel"]
    return [f"{name} was to use tensor cores and is not launched" for name in case.tensor_cores if name not in names]


def over_limits(case: Compiled, code: MachineCode, capability: int = RECORDED) -> list[str]:
    """What keeps a kernel from running on the GPU, or from running well, whatever is recorded of it."""
    most = MOST_SHARED[capability]
    wrong = []
    if code.shared > most:
        wrong.append(f"{code.shared} bytes of shared memory, {most} are the most")
    if code.stack > MOST_STACK:
        wrong.append(f"{code.stack} bytes a thread spilled, {MOST_STACK} are the most")
    if code.kernel in case.tensor_cores and not code.tensor_cores:
        wrong.append("no tensor cores, which its operation promises")
    return wrong


def off_record(new: Row, record: Mapping[Key, Row]) -> list[str]:
    """Registers beyond those recorded by the same Triton, or nothing recorded."""
    old = record.get(new.key)
    if old is None:
        return ["it is not in the record; add it with --update"] if comparable(record, new.triton) else []
    if old.triton == new.triton and new.registers > old.registers * MORE_REGISTERS:
        return [f"{new.registers} registers, {old.registers} in the record; --update if that is meant"]
    return []


def comparable(record: Mapping[Key, Row], version: str) -> bool:
    """Whether all of a record is by this Triton; another allots registers in its own way."""
    return {old.triton for old in record.values()} <= {version}


def gone(record: Mapping[Key, Row], found: Collection[Key], ops: Collection[str]) -> list[Key]:
    """Rows of these operations that no case compiles any more."""
    return [key for key in record if key[0] in ops and key not in found]


def load_record(path: Path) -> Rows:
    """The rows of a record; none where there is no file."""
    if not path.is_file():
        return {}
    kinds: dict[str, Any] = {field.name: field.type for field in fields(Row)}
    with path.open(encoding="utf-8", newline="") as file:
        rows = [Row(**{name: kind(line[name]) for name, kind in kinds.items()}) for line in csv.DictReader(file)]
    return {each.key: each for each in rows}


def save_record(path: Path, record: Mapping[Key, Row]) -> None:
    """Write a record in the order of its keys, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(record[key]) for key in sorted(record))
    unfinished.replace(path)
