"""The rows of the bench as Markdown: the newest measurement of each thing, machine by machine."""

from collections.abc import Iterable, Iterator, Sequence

from offbook.kernels.timing.rows import Row

MARGIN = 1.03  # a ratio whose lower bound is above is slower beyond doubt


def markdown(rows: Iterable[Row], picture: str = "") -> str:
    """Tables, one a machine and set of versions; `picture` is the file of the same in marks, if there is one."""
    lines = [
        "# Times of the operations",
        "",
        "Made by `python -m offbook.kernels.bench --table`; by hand it is not changed.",
    ]
    lines += ["", f"![The same as a picture]({picture})"] if picture else []
    for (device, torch, triton, threads), group in by_machine(rows).items():
        lines += ["", f"## {device}, torch {torch}, Triton {triton}", ""]
        paired = [row for row in group if row.mode == "paired"]
        lines += _said_of(group, threads)
        lines += [*_paired(paired)] if paired else []
        lines += [*_on_gpu([row for row in group if row.mode != "paired"])] if len(paired) < len(group) else []
    return "\n".join([*lines, ""])


def by_machine(rows: Iterable[Row]) -> dict[tuple[str, ...], list[Row]]:
    """The newest row of each thing, by device, versions of torch and Triton, and threads."""
    newest: dict[tuple[str, ...], dict[tuple[str, ...], Row]] = {}
    for row in rows:
        newest.setdefault((row.device, row.torch, row.triton, str(row.threads)), {})[row.what] = row
    return {machine: list(found.values()) for machine, found in newest.items()}


def _said_of(rows: Sequence[Row], threads: str) -> Iterator[str]:
    loads = [row.load for row in rows if row.load is not None]
    commits = ", ".join(dict.fromkeys(f"`{row.commit[:12]}{'+' * row.commit.endswith('+')}`" for row in rows))
    yield f"Threads: {threads}. Load: {min(loads):.1f} to {max(loads):.1f}. Commits: {commits}."
    yield ""


def _paired(rows: Sequence[Row]) -> Iterator[str]:
    yield "Time of an operation over that of another, both in turns in one process: the median over pairs of blocks,"
    yield f"and its 99 % interval. What is slower beyond doubt, by more than {MARGIN - 1:.0%}, says so."
    yield ""
    yield "| operation | shape | type | over | ratio | | median |"
    yield "|---|---|---|---|---:|---|---:|"
    for row in rows:
        if row.ratio is None or row.low is None or row.high is None:
            told = f"{row.status} | | "
        else:
            slower = " slower" if row.low > MARGIN else ""
            told = f"{row.ratio:.3f} | [{row.low:.3f}, {row.high:.3f}]{slower} | {time_told(row.median_s)}"
        yield f"| {row.op} | {row.shape} | {row.dtype} | {row.against} | {told} |"


def _on_gpu(rows: Sequence[Row]) -> Iterator[str]:
    yield "Median of a call and its quantiles 20 % and 80 %, as Python calls it and in a CUDA graph; the floor is what"
    yield "the copy and the product of matrices named here allow."
    yield ""
    for row in rows:
        if row.op == "ceiling" and row.median_s:
            rate = ((row.bytes or 0.0) + (row.flops or 0.0)) / row.median_s / 1e12  # one of the two is 0
            yield f"- {row.shape}, {row.dtype}: {f'{rate:.2f} TB/s' if row.bytes else f'{rate:.0f} TFLOP/s'}"
    yield ""
    yield "| operation | shape | type | provider | eager | graph | 20 to 80 % | of the floor | peak memory |"
    yield "|---|---|---|---|---:|---:|---|---:|---:|"
    both: dict[tuple[str, str, str, str], dict[str, Row]] = {}
    for row in rows:
        if row.op != "ceiling":
            both.setdefault((row.op, row.shape, row.dtype, row.provider), {})[row.mode] = row
    for names, modes in both.items():
        eager, graph = modes.get("eager"), modes.get("graph")
        best = graph if graph is not None and graph.median_s is not None else eager
        told = [_told(eager), _told(graph)]
        if best is not None and best.median_s is not None:
            told += [f"{time_told(best.p20_s)} to {time_told(best.p80_s)}", f"{best.floor_share or 0:.0%}"]
            told += [f"{(best.peak_bytes or 0) / 2**20:.1f} MiB"]
        else:
            told += ["", "", ""]
        yield f"| {' | '.join([*names, *told])} |"


def _told(row: Row | None) -> str:
    return "" if row is None else time_told(row.median_s) if row.median_s is not None else row.status


def time_told(seconds: float | None) -> str:
    """In the unit that suits it; nothing of None."""
    if seconds is None:
        return ""
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"
