"""Times the operations: `python -m offbook.kernels.bench`, from a checkout with `PYTHONPATH=src`.

Every operation names cases (`offbook.kernels.<op>.timed.cases(device)`): itself, what it replaces and the field's
strongest, on the sizes of real models. What is wrong is not timed. On a GPU each is timed as Python calls it and in a
CUDA graph, on inputs that no cache holds, beside what the hardware allows, which is measured first; on a CPU in turns
with each of the others, on few threads. A row is written after every measurement; the same command goes on where it was
stopped, and another `--out` begins afresh. `--table FILE` writes the rows as Markdown instead, and a picture of them as
SVG beside it.

Needs torch, and triton on a GPU. `run` takes any cases: a room above may name whole rounds.
"""

import argparse
import functools
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch

from offbook.kernels.proof.case import Timed
from offbook.kernels.timing import agreement, cuda
from offbook.kernels.timing.paired import time_in_turns
from offbook.kernels.timing.plot import picture
from offbook.kernels.timing.rows import Row, append, load, surroundings
from offbook.kernels.timing.table import markdown

HERE = Path(__file__).parent
RESULTS = Path("results/kernels")
MINUTES = 8.0
CPU_SETS = 4  # of inputs
CPU_BUDGET_S = 3.0  # of one comparison

Step = tuple[str, str, str]  # provider, mode, against
Result = TypeVar("Result")


@dataclass(kw_only=True)
class Run:
    """A run of the bench: where its rows go, until when, and what is in there already."""

    device: str
    out: Path
    ends: float
    rows: list[Row] = field(default_factory=list)
    wrong: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing more is begun."""
        return time.monotonic() >= self.ends

    def write(self, case: Timed, status: str, measured: dict[str, Any], **what: Any) -> None:
        """Append a row and tell of it."""
        row = Row(
            op=case.op,
            shape=case.shape,
            dtype=case.dtype,
            status=status,
            bytes=case.bytes,
            flops=case.flops,
            notes="; ".join(f"{name} {value}" for name, value in case.notes.items()),
            **what,
            **measured,
            **surroundings(self.device),
        )
        append(self.out, row)
        self.rows.append(row)
        told = f"{row.median_s * 1e6:.1f} µs" if row.median_s is not None else status
        told += f", {row.ratio:.3f} [{row.low:.3f}, {row.high:.3f}] of {row.against}" if row.ratio is not None else ""
        told += f", {row.floor_share:.0%} of the floor" if row.floor_share is not None else ""
        print(f"{row.op}, {row.shape}, {row.dtype}, {row.provider} {row.mode}: {told}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Time what is not timed yet; 1 where an operation of offbook is wrong or fails."""
    arguments = _arguments(argv)
    out = arguments.out or RESULTS / f"{arguments.device}.csv"
    if arguments.table:
        rows, beside = load(out), arguments.table.with_suffix(".svg")
        arguments.table.write_text(markdown(rows, beside.name), encoding="utf-8")
        beside.write_text(picture(rows), encoding="utf-8")
        return 0
    refuse_other_implementations(os.environ)
    if arguments.device == "cuda" and not torch.cuda.is_available():
        msg = "expected a CUDA device, got none; use --device cpu"
        raise ValueError(msg)
    torch.set_num_threads(arguments.threads)
    ends = time.monotonic() + 60 * arguments.minutes
    ops = arguments.ops or operations()
    return run((case for op in ops for case in cases_of(op, arguments.device)), arguments.device, out, ends)


def refuse_other_implementations(environ: Mapping[str, str]) -> None:
    """Operations choose by themselves here, and nothing is interpreted.

    Raises:
        ValueError: the environment says otherwise.
    """
    for name, allowed in (("OFFBOOK_KERNELS", "auto"), ("TRITON_INTERPRET", "0")):
        if environ.get(name, allowed) != allowed:
            msg = f"expected {name} unset, got {environ[name]}: what is timed is what runs unasked; unset it"
            raise ValueError(msg)


def operations() -> list[str]:
    """Those that name cases to be timed."""
    return sorted(path.parent.name for path in HERE.glob("*/timed.py"))


def cases_of(op: str, device: str) -> Iterator[Timed]:
    """The cases of an operation."""
    yield from importlib.import_module(f"offbook.kernels.{op}.timed").cases(device)


def run(cases: Iterable[Timed], device: str, out: Path, ends: float) -> int:
    """Time cases, a row a measurement, until `time.monotonic()` is at `ends`; 1 where offbook is wrong or fails."""
    cases, state = list(cases), Run(device=device, out=out, ends=ends, rows=load(out))
    waiting = missing(cases, state)
    print(f"{sum(len(todo) for _, todo in waiting)} measurements are missing in {out}", flush=True)
    for case, todo in waiting:
        if todo and not state.over:
            print(f"{case.op}, {case.shape}, {case.dtype}", flush=True)  # who ends this knows what it was at
            measure = _on_a_gpu if device == "cuda" else _on_a_cpu
            told, _ = _tried(functools.partial(measure, state, case, correct(state, case, todo)))
            if told != "ok":
                print(f"{case.op}, {case.shape}, {case.dtype}: {told}", flush=True)
                state.wrong += 1
            if "torch._dynamo" in sys.modules:
                torch.compiler.reset()  # or the next shape meets the limit of recompilations, and runs eagerly
    left = [(case, todo) for case, todo in missing(cases, state) if todo]
    if left:
        count = sum(len(todo) for _, todo in left)
        print(f"time is over, {count} measurements are left; the same command goes on with")
    for case, todo in left:
        steps_left = ", ".join(" ".join(filter(None, step)) for step in todo)
        print(f"  {case.op}, {case.shape}, {case.dtype}: {steps_left}")
    return int(state.wrong > 0)


def missing(cases: Sequence[Timed], state: Run) -> list[tuple[Timed, list[Step]]]:
    """Of every case what is not in the rows, of this machine and this code."""
    done, around = {row.key for row in state.rows}, surroundings(state.device)
    todo = ([step for step in steps(case, state.device) if key(case, step, around) not in done] for case in cases)
    return list(zip(cases, todo, strict=True))


def steps(case: Timed, device: str) -> list[Step]:
    """What is measured of a case."""
    if device == "cuda":
        modes = ("eager", "graph") if case.graph else ("eager",)
        return [(provider, mode, "") for provider in case.providers for mode in modes]
    return [("offbook", "paired", other) for other in case.providers if other != "offbook"]


def key(case: Timed, step: Step, around: dict[str, Any]) -> tuple[str, ...]:
    """That of the row which a step writes."""
    provider, mode, against = step
    what: dict[str, Any] = {"op": case.op, "shape": case.shape, "dtype": case.dtype, "status": "ok"}
    return Row(**what, provider=provider, mode=mode, against=against, **around).key


def correct(state: Run, case: Timed, todo: Sequence[Step]) -> list[Step]:
    """Those steps whose providers are right; of the others it is written that they are not."""
    names = dict.fromkeys(name for first, _, second in todo for name in (first, second) if name)
    status = {name: _tried(functools.partial(agreement.check, case, name))[0] for name in names}
    state.wrong += status.get("offbook", "ok") != "ok"
    right = []
    for provider, mode, against in todo:
        bad = [status[name] for name in (provider, against) if name and status[name] != "ok"]
        if bad:
            state.write(case, bad[0], {}, provider=provider, mode=mode, against=against)
        else:
            right.append((provider, mode, against))
    return right


def _on_a_cpu(state: Run, case: Timed, todo: Sequence[Step]) -> None:
    sets = [case.inputs(seed) for seed in range(CPU_SETS)]
    for provider, mode, against in todo:
        if state.over:
            return
        ours, theirs = case.providers[provider], case.providers[against]
        found = time_in_turns(ours, theirs, sets, CPU_BUDGET_S)
        median_s, p20_s, p80_s = cuda.quantiles(found.first_s)
        measured = {"median_s": median_s, "p20_s": p20_s, "p80_s": p80_s, "samples": len(found.first_s)}
        measured |= {"ratio": found.ratio, "low": found.low, "high": found.high}
        state.write(case, "ok", measured, provider=provider, mode=mode, against=against)


def _on_a_gpu(state: Run, case: Timed, todo: Sequence[Step]) -> None:
    floor_s = max(case.bytes / _copy_rate(state), case.flops / _product_rate(state, case.dtype))
    sets = cuda.rotating(case.inputs)
    for provider, mode, against in todo:
        if not state.over:
            status, measured = _tried(functools.partial(_timed_on_gpu, case.providers[provider], mode, sets, floor_s))
            state.wrong += provider == "offbook" and status != "ok"
            state.write(case, status, measured or {}, provider=provider, mode=mode, against=against)
    torch.cuda.empty_cache()


def _timed_on_gpu(
    function: Callable[..., Any], mode: str, sets: Sequence[Sequence[Any]], floor_s: float
) -> dict[str, Any]:
    samples = (cuda.eager if mode == "eager" else cuda.in_a_graph)(function, sets)
    median_s, p20_s, p80_s = cuda.quantiles(samples)
    return {
        "median_s": median_s,
        "p20_s": p20_s,
        "p80_s": p80_s,
        "samples": len(samples),
        "floor_share": floor_s / median_s,
        "peak_bytes": cuda.peak_bytes(function, sets[0]),
    }


def _copy_rate(state: Run) -> float:
    """Bytes a second, read and written."""
    return _ceiling(state, "copy", "uint8", cuda.copy_ceiling)


def _product_rate(state: Run, dtype: str) -> float:
    """FLOPs a second of the largest product of matrices."""
    return _ceiling(state, "product of matrices", dtype, lambda: cuda.product_ceiling(getattr(torch, dtype)))


def _ceiling(state: Run, shape: str, dtype: str, measure: Callable[[], tuple[list[float], float]]) -> float:
    """What the hardware does at best a second, measured once a device and version of torch."""
    around = surroundings(state.device)
    wanted = ("ceiling", shape, dtype, around["device"], around["torch"])
    for row in state.rows:
        if (row.op, row.shape, row.dtype, row.device, row.torch) == wanted and row.median_s:
            return ((row.bytes or 0.0) + (row.flops or 0.0)) / row.median_s  # one of the two is 0
    samples, amount = measure()
    median_s, p20_s, p80_s = cuda.quantiles(samples)
    moved = amount if shape == "copy" else 0.0
    case = Timed(
        op="ceiling", shape=shape, dtype=dtype, inputs=lambda seed: (), providers={}, bytes=moved, flops=amount - moved
    )
    measured = {"median_s": median_s, "p20_s": p20_s, "p80_s": p80_s, "samples": len(samples)}
    state.write(case, "ok", measured, provider="torch", mode="eager")
    return amount / median_s


def _tried(call: Callable[[], Result]) -> tuple[str, Result | None]:
    """How a call went, and what it gave: every provider is tried, whatever became of the one before."""
    try:
        return "ok", call()
    except AssertionError as error:
        return f"wrong: {_first_line(error)}", None
    except Exception as error:
        return f"failed: {type(error).__name__}: {_first_line(error)}", None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["it says nothing"])[0][:200]


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m offbook.kernels.bench", description=__doc__.split("\n")[0])
    parser.add_argument("ops", nargs="*", help="operations, by their folders; all that name cases without one")
    here = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", choices=["cpu", "cuda"], default=here, help=f"here {here}, unless it is named")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"after which nothing is begun ({MINUTES:g})")
    parser.add_argument("--threads", type=int, default=1, help="of torch on the CPU (1)")
    parser.add_argument("--out", type=Path, help=f"the rows ({RESULTS}/cpu.csv or cuda.csv)")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the rows' table and picture, time nothing")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
