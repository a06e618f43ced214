"""Who does a stage just now: a small file with the process and its heartbeat, so that two do not do the same work.

    claims/<key12>.json

An optimisation, never the truth: what is done says the ledger. Whoever finds the claim of a process that is gone takes
it over; where two hold one stage all the same, they waste time, and the first to commit wins. On this machine a
process is asked for by its number and start; of another one only the heartbeat is known.
"""

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from offbook.engine.files import atomic_write_bytes, write_once, writing
from offbook.harness.matrix.noted import Noted
from offbook.harness.settings.plain import read_plain

HEARTBEAT_S = 30.0
EXPIRES_S = 300.0  # after the last heartbeat, by the clocks of both machines


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The content of the file.

    Attributes:
        key: of the stage.
        host: name of the machine, its boot and its space of process numbers: where all are equal, a number means one
            process.
        pid: of the process.
        start: when the process started, in ticks since boot, for numbers are used again; "" where nobody tells.
        token: of this claim alone.
        heartbeat: seconds since 1970.
        since: when the stage was begun, likewise; 0 in claims of older versions.
        done, total: how far it is in what it counts just now, at the last heartbeat; 0 and 0 where it counts nothing.
        began: when it began to count that.
    """

    key: str
    host: str
    pid: int
    start: str
    token: str
    heartbeat: float
    since: float = 0.0
    done: int = 0
    total: int = 0
    began: float = 0.0

    def to_bytes(self) -> bytes:
        """As the file holds it."""
        return json.dumps(asdict(self)).encode()

    def is_alive(self) -> bool:
        """Whether its process may still be at work."""
        if self.host == this_host():
            return _start_of(self.pid) == self.start
        return abs(time.time() - self.heartbeat) < EXPIRES_S

    def holder(self) -> str:
        """Who it is, for people."""
        return f"process {self.pid} on {self.host.partition(' ')[0]}"


@contextlib.contextmanager
def claimed(folder: Path, key: str, noted: Noted | None = None) -> Iterator[Claim | None]:
    """Claims a stage around the block that does it; inside, its heart beats.

    Args:
        folder: of the run.
        key: of the stage.
        noted: knows how far it is, which every heartbeat tells.

    Yields:
        None where the claim is ours, else that of who holds it.
    """
    path, now = claim_path(folder, key), time.time()
    ours = Claim(
        key=key,
        host=this_host(),
        pid=os.getpid(),
        start=_start_of(os.getpid()) or "",
        token=secrets.token_hex(8),
        heartbeat=now,
        since=now,
        began=now,
    )
    if (theirs := _take(path, ours)) is not None:
        yield theirs
        return
    stop = threading.Event()
    heart = threading.Thread(target=_beat, args=(path, ours, stop, noted), daemon=True)
    try:
        heart.start()
        yield None
    finally:
        stop.set()
        if heart.is_alive():
            heart.join()
        _release(path, ours.token)


def holders(folder: Path) -> dict[str, Claim]:
    """Claims of processes that may still be at work, by key."""
    found = [read_claim(path) for path in sorted((folder / "claims").glob("*.json")) if not path.name.startswith(".")]
    return {claim.key: claim for claim in found if claim is not None and claim.is_alive()}


def sweep(folder: Path) -> None:
    """Removes what processes that are gone left behind."""
    for path in sorted((folder / "claims").glob("*.json")):
        claim = read_claim(path)
        if claim is None or not claim.is_alive():
            _set_aside(path, "" if claim is None else claim.token)
    for path in (folder / "claims").glob(".*.tmp"):
        with contextlib.suppress(FileNotFoundError):  # another process sweeps too
            if time.time() - path.stat().st_mtime > EXPIRES_S:
                path.unlink()


def claim_path(folder: Path, key: str) -> Path:
    """The file of a stage's claim."""
    return folder / "claims" / f"{key[:12]}.json"


def read_claim(path: Path) -> Claim | None:
    """What a claim says; None where there is none, or one that nobody can read and so nobody holds."""
    try:
        return read_plain(Claim, json.loads(path.read_bytes()), source=path.name, remedy="it is nobody's")
    except (FileNotFoundError, ValueError):
        return None


def this_host() -> str:
    """See `Claim.host`."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):  # not Linux: the name alone
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def _start_of(pid: int) -> str | None:
    """When a process started; None where there is none, or one that ended and was not yet waited for."""
    if Path("/proc/self/stat").exists():
        try:
            state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if state in "ZX" else fields[18]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return ""


def _take(path: Path, ours: Claim) -> Claim | None:
    """Writes the claim; returns that of a living process where there is one."""
    while not write_once(path, ours.to_bytes()):
        theirs = read_claim(path)
        if theirs is not None and theirs.is_alive():
            return theirs
        _set_aside(path, "" if theirs is None else theirs.token)
    return None


def _set_aside(path: Path, token: str) -> None:
    """Removes the claim that was found to be nobody's, and not one that another process has just put in its place."""
    aside = path.with_name(f".{secrets.token_hex(16)}.tmp")
    try:
        with writing(path):
            path.rename(aside)
    except FileNotFoundError:
        return
    found = read_claim(aside)
    if found is not None and found.token != token:
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    aside.unlink(missing_ok=True)


def _beat(path: Path, ours: Claim, stop: threading.Event, noted: Noted | None) -> None:
    while not stop.wait(HEARTBEAT_S):
        with contextlib.suppress(OSError):  # a full disk, a folder that is gone: whoever commits will say so
            found = read_claim(path)
            if found is None or found.token != ours.token:
                return
            if noted is not None:
                ours = replace(ours, done=noted.done, total=noted.total, began=noted.began)
            atomic_write_bytes(path, replace(ours, heartbeat=time.time()).to_bytes())


def _release(path: Path, token: str) -> None:
    with contextlib.suppress(OSError):  # it expires by itself
        found = read_claim(path)
        if found is not None and found.token == token:
            path.unlink(missing_ok=True)
