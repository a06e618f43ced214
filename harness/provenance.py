"""The manifest: under which code, libraries and machine a record was made.

It describes, it does not identify: no host, user or kernel-build name, no absolute path, and of the environment only
variables that are known to change speed or numbers.
"""

import datetime
import hashlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

import torch
from pydantic import JsonValue

import offbook

PACKAGES = ("torch", "transformers", "tokenizers", "lm-eval", "numpy", "triton", "safetensors", "datasets")
ENVIRONMENT = (
    "CUDA_VISIBLE_DEVICES",
    "KMP_AFFINITY",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
    "TOKENIZERS_PARALLELISM",
)
GIT_HANG_S = 600
SECRET_NAME = re.compile(r"(?:token|key|secret|password|credentials?|authorization|cookie)$", re.IGNORECASE)
SECRET_SHAPE = re.compile(r"\b(?:hf_|sk-|ghp_|github_pat_)[\w-]{8,}|(?<=://)[^/@\s]+@")
ABSOLUTE_PATH = re.compile(r"(?:(?<=^)|(?<=[=,:]))(?:~|[A-Za-z]:)?[/\\](?!/)[^=,:\s]*")


def manifest(argv: Sequence[str] | None = None, *, environ: Mapping[str, str] | None = None) -> dict[str, JsonValue]:
    """The manifest of this process as JSON values; `argv` and `environ` default to the process's own."""
    argv = sys.argv if argv is None else argv
    environ = os.environ if environ is None else environ
    arguments: list[JsonValue] = [*_redacted(argv, environ)]
    return {
        "offbook": offbook.__version__,
        "git": git_state(Path(__file__).resolve().parent.parent),
        "argv": arguments,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "usable_cores": _usable_cores(),
        "nice": _nice(),
        "torch_threads": torch.get_num_threads(),
        "memory_gib": _memory_gib(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "packages": {name: _version(name) for name in PACKAGES},
        "environment": {name: environ[name] for name in ENVIRONMENT if name in environ},
        "utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def load_average() -> list[JsonValue] | None:
    """Processes that ran or waited to run, averaged over the last 1, 5 and 15 minutes; None where nobody counts."""
    try:
        return [round(load, 2) for load in os.getloadavg()]
    except (AttributeError, OSError):  # no such call here
        return None


def machine_line(manifest: Mapping[str, JsonValue]) -> str:
    """The machine in one line; "unknown" for what the manifest does not say."""
    packages = manifest.get("packages")
    versions = packages if isinstance(packages, dict) else {}

    def say(value: JsonValue) -> str:
        return "unknown" if value is None else str(value)

    return ", ".join(
        (
            say(manifest.get("cpu")),
            f"{say(manifest.get('cores'))} cores (torch threads: {say(manifest.get('torch_threads'))})",
            f"{say(manifest.get('memory_gib'))} GiB memory",
            str(manifest.get("gpu") or "no GPU"),
            say(manifest.get("platform")),
            f"Python {say(manifest.get('python'))}",
            f"torch {say(versions.get('torch'))}",
        )
    )


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


def _redacted(argv: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """Arguments with secrets blanked and absolute paths cut to their last part."""
    secrets = [value for name, value in environ.items() if SECRET_NAME.search(name) and len(value) >= 6]
    arguments = []
    hide_next = False
    for argument in argv:
        name, equals, _ = argument.partition("=")
        is_secret_option = argument.startswith("-") and SECRET_NAME.search(name) is not None
        if hide_next:
            argument = "[redacted]"
        elif is_secret_option and equals:
            argument = f"{name}=[redacted]"
        hide_next = is_secret_option and not equals
        for secret in secrets:
            argument = argument.replace(secret, "[redacted]")
        argument = SECRET_SHAPE.sub("[redacted]", argument)
        arguments.append(ABSOLUTE_PATH.sub(lambda match: re.split(r"[/\\]", match[0].rstrip("/\\"))[-1], argument))
    return arguments


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


def _usable_cores() -> int | None:
    """How many of the cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # no such call here
        return None


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
