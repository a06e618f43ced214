"""What was timed, a row a measurement, appended to a CSV file as soon as it is known."""

import csv
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

Key = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement; the fields are the file's columns, empty where a kind of measurement has none.

    Attributes:
        op: the operation, or "ceiling" for what the hardware does at best.
        shape: as the case names it.
        dtype: likewise.
        provider: who computed.
        mode: "eager" or "graph" on a GPU, "paired" in turns with `against` on a CPU.
        against: the provider it is compared with.
        status: "ok", or why there are no times: "wrong: ...", "failed: ...".
        median_s: seconds a call, with the quantiles `p20_s` and `p80_s` of `samples` measurements.
        ratio: the provider's time over that of `against`, median over pairs; `low` and `high` bound it at 99 %.
        floor_share: of its time, what the measured ceilings allow at best.
        peak_bytes: of memory that a call takes beyond its inputs.
        bytes: that have to be moved at least.
        flops: that have to be computed at least.
        notes: what else the case says, and how often inputs rotate.
        device: its name.
        torch: version; `triton` and `python` likewise.
        threads: of torch.
        load: of the machine, the average of a minute.
        commit: of the code; with "+" where it was changed since.
        command: that was called.
        at: when, in UTC.
    """

    op: str
    shape: str
    dtype: str
    provider: str
    mode: str
    status: str
    device: str
    against: str = ""
    median_s: float | None = None
    p20_s: float | None = None
    p80_s: float | None = None
    samples: int | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    floor_share: float | None = None
    peak_bytes: int | None = None
    bytes: float | None = None
    flops: float | None = None
    notes: str = ""
    torch: str = ""
    triton: str = ""
    python: str = ""
    threads: int | None = None
    load: float | None = None
    commit: str = ""
    command: str = ""
    at: str = ""

    @property
    def what(self) -> Key:
        """What is measured, wherever and whenever."""
        return self.op, self.shape, self.dtype, self.provider, self.mode, self.against

    @property
    def key(self) -> Key:
        """What need not be measured again."""
        return (*self.what, self.device, self.torch, self.triton, self.commit, str(self.threads))


def surroundings(device: str) -> dict[str, Any]:
    """The fields of a row that tell where and when it was measured; `device` is "cpu" or "cuda"."""
    return {
        "device": device_name(device),
        "torch": str(torch.__version__),
        "triton": _version("triton"),
        "python": platform.python_version(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),
        "commit": commit(),
        "command": " ".join([f"python -m {_module()}", *sys.argv[1:]]),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _module() -> str:
    """That was called: the bench, or one of offbook's that times by it."""
    name = getattr(getattr(sys.modules["__main__"], "__spec__", None), "name", "")
    return name if name.startswith("offbook.") else "offbook.kernels.bench"


@cache
def device_name(device: str) -> str:
    """As the hardware calls itself."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


@cache
def commit() -> str:
    """Of the code, from git, or from OFFBOOK_COMMIT where the code came without its repository."""
    here = Path(__file__).resolve().parent
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        same = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", ":/", ":(top,exclude)results"], cwd=here)
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("OFFBOOK_COMMIT", "unknown")
    return head.stdout.strip() + ("+" if same.returncode else "")


def append(path: Path, row: Row) -> None:
    """Add a row at the end of a file, with the names of the columns on top of a new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, [field.name for field in fields(Row)], lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow({name: _written(value) for name, value in asdict(row).items()})


def load(path: Path) -> list[Row]:
    """The rows of a file, none where there is no file."""
    if not path.is_file():
        return []
    kinds: dict[str, Any] = {field.name: field.type for field in fields(Row)}
    with path.open(encoding="utf-8", newline="") as lines:
        return [
            Row(**{name: _read(line[name], kind) for name, kind in kinds.items()}) for line in csv.DictReader(lines)
        ]


def _written(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value


def _read(text: str, kind: object) -> Any:
    if kind is str:
        return text
    if not text:
        return None
    return int(text) if kind == int | None else float(text)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"
