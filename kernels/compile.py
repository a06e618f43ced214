"""Compiles the operations' kernels for a GPU that need not be there: `python -m offbook.kernels.compile`.

Every operation names launches at the sizes of real models (`offbook.kernels.<op>.compiled.cases()`). One or two an
operation are compiled, with `--all` every one. A case fails by an error, too much shared memory, spilled registers, no
tensor cores where they are promised, or, for sm_90, a tenth more registers than are written down in
results/kernels/sm_90.csv, which `--update` writes. What is compiled lies in Triton's cache, so a run that was stopped
goes on quickly.
"""

import argparse
import importlib
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from offbook.kernels.implementation import triton_installed
from offbook.kernels.proof.case import Compiled
from offbook.kernels.proof.dry_compile import MachineCode, dry_compile
from offbook.kernels.proof.machine_record import (
    MOST_SHARED,
    RECORDED,
    Rows,
    comparable,
    gone,
    load_record,
    missing,
    off_record,
    over_limits,
    row,
    save_record,
    triton_version,
)

HERE = Path(__file__).parent
RECORD = Path("results/kernels/sm_90.csv")


def main(argv: Sequence[str] | None = None) -> int:
    """Compile, print a line a kernel; 1 where something is wrong."""
    arguments = _arguments(argv)
    if not triton_installed():
        print("expected the package triton, got none; install it where its wheels are to be had: on Linux")
        return 1
    os.environ.pop("TRITON_INTERPRET", None)  # before triton is imported, which then compiles
    os.environ.setdefault("TRITON_DEFAULT_FP_FUSION", "1")  # products and sums fused, as Triton up to 3.9 does unasked
    ops = arguments.ops or operations()
    cases = [case for op in ops for case in cases_of(op) if arguments.all or case.quick]
    wrong = 0
    for capability in arguments.capability:
        wrong += compile_all(cases, capability, arguments.record, update=arguments.update, whole=arguments.all)
    return int(wrong > 0)


def operations() -> list[str]:
    """Those that name launches to be compiled."""
    return sorted(path.parent.name for path in HERE.glob("*/compiled.py"))


def cases_of(op: str) -> list[Compiled]:
    """The launches an operation names."""
    return list(importlib.import_module(f"offbook.kernels.{op}.compiled").cases())


def compile_all(
    cases: Sequence[Compiled], capability: int, path: Path, *, update: bool = False, whole: bool = False
) -> int:
    """Compile these for one capability and say what is wrong; how many complaints there are.

    Args:
        cases: all of their operations, if `whole`.
        capability: 90 for sm_90.
        path: of the record, which is of `RECORDED` alone.
        update: writes what is found into the record, instead of comparing with it.
        whole: rows that no case compiles are complaints too, or leave the record.
    """
    record = load_record(path) if capability == RECORDED else {}
    if capability == RECORDED and not update and not comparable(record, triton_version()):
        theirs = ", ".join(sorted({old.triton for old in record.values()}))
        print(f"{path} is of Triton {theirs}, this is {triton_version()}: registers are not compared, limits hold")
    found: Rows = {}
    count = 0
    for number, case in enumerate(cases, start=1):
        began = time.perf_counter()
        label = f"[{number}/{len(cases)}] sm_{capability} {case.op}, {case.shape}, {case.dtype}"
        try:
            with dry_compile(capability) as built:
                case.launch()
        except Exception as error:  # whatever the compiler finds; the other cases are compiled all the same
            count += 1
            told = str(error).strip().splitlines() or [""]
            print(f"{label}: FAILED, {type(error).__name__}: {told[-1]}", flush=True)
            continue
        complaints = list(missing(case, built))
        for code in built:
            new = row(case, code)
            found[new.key] = new
            wrong = over_limits(case, code, capability)
            if capability == RECORDED and not update:
                wrong += off_record(new, record)
            complaints += [f"{code.kernel}: {each}" for each in wrong]
        if update and capability == RECORDED and not complaints:
            record = {**_without(record, case), **{key: new for key, new in found.items() if _of(key, case)}}
            save_record(path, record)
        count += len(complaints)
        _tell(label, built, complaints, time.perf_counter() - began)
    if whole and capability == RECORDED:
        count += _settle(path, record, found, {case.op for case in cases}, update=update)
    print(f"sm_{capability}: {len(cases)} cases, {len(found)} kernels, {count} complaints")
    return count


def _tell(label: str, built: Iterable[MachineCode], complaints: Iterable[str], wall_s: float) -> None:
    kernels = "; ".join(
        f"{code.kernel} {code.registers} registers, {code.stack} B spilled, {code.shared} B shared, {code.warps} warps"
        for code in built
    )
    print(f"{label}: {kernels} ({wall_s:.1f} s)", flush=True)
    for each in complaints:
        print(f"    FAILED {each}", flush=True)


def _settle(path: Path, record: Rows, found: Rows, ops: set[str], *, update: bool) -> int:
    """Rows that no case of these operations compiled: how many, or 0 once they have left the record."""
    old = gone(record, found.keys(), ops)
    if update:
        save_record(path, {key: each for key, each in record.items() if key not in old})
        return 0
    for key in old:
        print(f"FAILED {', '.join(key)}: in the record and not compiled any more; --update takes it out")
    return len(old)


def _of(key: tuple[str, ...], case: Compiled) -> bool:
    return key[:3] == (case.op, case.shape, case.dtype)


def _without(record: Rows, case: Compiled) -> Rows:
    return {key: old for key, old in record.items() if not _of(key, case)}


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m offbook.kernels.compile", description=__doc__.split("\n")[0])
    parser.add_argument("ops", nargs="*", help="operations, by their folders; all that name launches without one")
    parser.add_argument("--all", action="store_true", help="every case, not the quick ones alone")
    parser.add_argument("--update", action="store_true", help="write the record instead of comparing with it")
    parser.add_argument("--record", type=Path, default=RECORD, help=f"the record ({RECORD})")
    parser.add_argument(
        "--capability", type=int, nargs="+", choices=sorted(MOST_SHARED), default=[RECORDED], help="80 for sm_80"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
