"""The manifest: under which code, libraries and machine a record was made.

It describes, it does not identify: no host, user or kernel-build name, of the command line only what `redaction.py`
knows, and of the environment only variables that are known to change speed or numbers.
"""

import datetime
import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

import torch
from pydantic import JsonValue

import offbook
from offbook.engine.machine import abilities
from offbook.harness.records.redaction import shown_environment

PACKAGES = ("torch", "transformers", "tokenizers", "lm-eval", "numpy", "triton", "safetensors", "datasets")
ENVIRONMENT = (
    "ATEN_CPU_CAPABILITY",
    "CUDA_VISIBLE_DEVICES",
    "DNNL_MAX_CPU_ISA",
    "GOMP_CPU_AFFINITY",
    "GOMP_SPINCOUNT",
    "KMP_AFFINITY",
    "KMP_BLOCKTIME",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_DYNAMIC",
    "OMP_NUM_THREADS",
    "OMP_PROC_BIND",
    "OMP_WAIT_POLICY",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
    "TOKENIZERS_PARALLELISM",
)
GIT_HANG_S = 600


def manifest(arguments: Sequence[str], *, environ: Mapping[str, str]) -> dict[str, JsonValue]:
    """The manifest of a process as JSON values.

    Args:
        arguments: of its command line, as far as they may be shown (`roster.command_line`).
        environ: its environment.
    """
    shown: list[JsonValue] = [*arguments]
    return {
        "offbook": offbook.__version__,
        "git": git_state(Path(__file__).resolve().parents[2]),
        "argv": shown,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        **abilities(),
        "nice": _nice(),
        "memory_gib": _memory_gib(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "packages": {name: _version(name) for name in PACKAGES},
        "environment": shown_environment(environ, ENVIRONMENT),
        "utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def load_average() -> list[JsonValue] | None:
    """Processes that ran or waited to run, averaged over the last 1, 5 and 15 minutes; None where nobody counts."""
    try:
        return [round(load, 2) for load in os.getloadavg()]
    except (AttributeError, OSError):  # no such call here
        return None


def machine_line(manifest: Mapping[str, JsonValue]) -> str:
    """The machine in one line, as far as it decides speed and last bits; "unknown" for what the manifest lacks."""
    packages, environment = _part(manifest, "packages"), _part(manifest, "environment")
    bf16 = manifest.get("bf16_in_hardware")
    waiting = "unknown" if "cpu_capability" not in manifest else environment.get("OMP_WAIT_POLICY") or "library's"

    def say(value: JsonValue) -> str:
        return "unknown" if value is None else str(value)

    return ", ".join(
        (
            say(manifest.get("cpu")),
            f"kernels {say(manifest.get('cpu_capability'))}",
            f"bf16 in hardware: {'unknown' if bf16 is None else 'yes' if bf16 else 'no'}",
            f"{say(manifest.get('cores'))} cores ({say(manifest.get('usable_cores'))} usable, "
            f"torch threads: {say(manifest.get('torch_threads'))}, waiting: {str(waiting).lower()})",
            f"{say(manifest.get('memory_gib'))} GiB memory",
            str(manifest.get("gpu") or "no GPU"),
            say(manifest.get("platform")),
            f"Python {say(manifest.get('python'))}",
            f"torch {say(packages.get('torch'))}",
        )
    )


def machine_lines(manifests: Iterable[Mapping[str, JsonValue]]) -> list[str]:
    """Each machine once, with the range of its load over the start and the end of whatever was measured there."""
    loads: dict[str, list[float]] = {}
    for manifest in manifests:
        found = _part(manifest, "load_average") or _part(_part(manifest, "heat"), "load_average")
        now = [end[0] for end in found.values() if isinstance(end, list) and end]
        loads.setdefault(machine_line(manifest), []).extend(load for load in now if isinstance(load, int | float))
    return [
        f"{line}, load {f'{min(found):.1f} to {max(found):.1f}' if found else 'unknown'}"
        for line, found in sorted(loads.items())
    ]


def _part(manifest: Mapping[str, JsonValue], name: str) -> Mapping[str, JsonValue]:
    found = manifest.get(name)
    return found if isinstance(found, dict) else {}


def git_state(root: Path) -> dict[str, JsonValue]:
    """Commit and hash of the uncommitted diff of the checkout at `root`; the reason where it is none.

    A checkout that merely contains an installed offbook (a virtual environment in somebody's project) is not ours.
    """
    top = _git(root, "rev-parse", "--show-toplevel")
    commit = _git(root, "rev-parse", "HEAD")
    if top is None or commit is None or Path(top).resolve() != root.resolve():
        return {"commit": None, "absence": "not run from a git checkout of offbook"}
    diff = _git(root, "diff", "HEAD") or ""
    untracked = (_git(root, "ls-files", "--others", "--exclude-standard") or "").splitlines()
    return {
        "commit": commit,
        "diff_sha256": hashlib.sha256(diff.encode()).hexdigest() if diff else None,
        "untracked_files": len(untracked),
    }


def _git(root: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=GIT_HANG_S, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _nice() -> int | None:
    """Priority of this process among others: 0 as a rule, higher gives way."""
    try:
        return os.getpriority(os.PRIO_PROCESS, 0)
    except (AttributeError, OSError):  # no such call here
        return None


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):  # no such call here
        return None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
