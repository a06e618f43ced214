"""What a checkpoint learned from, as hashes: enough to find a test question among it, too little to read it.

    <folder>/trained_on.json    {"schema_version": 1, "prompts": 1015, "runs": ["03b1f5c0a9d24e77", ...]}

A run is thirteen words in a row of a prompt, every number counting as one word (`ngrams.py`); a prompt of fewer words
is one run. The checkpoint's own record holds the hash of the file, so that the two belong together.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offbook.engine.files import atomic_write_text
from offbook.engine.ngrams import runs
from offbook.engine.text import read_json

FILE = "trained_on.json"
FEWEST_WORDS = 4  # of a text that is one run: "yes" stands in every data set
REMEDY = "train it anew"


@dataclass(frozen=True, kw_only=True)
class TrainedOn:
    """What is known of training prompts.

    Attributes:
        prompts: how many there were; None where nobody wrote them down.
        runs: hashes of what they say.
    """

    prompts: int | None
    runs: frozenset[str]

    @property
    def known(self) -> bool:
        """Whether it was written down at all."""
        return self.prompts is not None

    def holds(self, texts: Iterable[str]) -> bool:
        """Whether one of these texts shares a run with a prompt."""
        return any(digest in self.runs for text in texts for digest in _digests(text))


UNKNOWN = TrainedOn(prompts=None, runs=frozenset())


def write_trained_on(folder: Path, prompts: Iterable[str]) -> dict[str, Any]:
    """Writes the file, and returns what the checkpoint's record has to hold: see `told_of`."""
    told, content = _told(list(prompts))
    atomic_write_text(folder / FILE, content)
    return told


def told_of(prompts: Iterable[str]) -> dict[str, Any]:
    """Of prompts the number, and the hash of the file that would be written for them."""
    return _told(list(prompts))[0]


def read_trained_on(folder: Path, told: Mapping[str, Any] | None) -> TrainedOn:
    """What `write_trained_on` wrote; `UNKNOWN` where the record, whose part `told` is, has nothing of it.

    Raises:
        ValueError: the file is not the record's.
    """
    if told is None:
        return UNKNOWN
    path = folder / FILE
    content = read_json(path, what="the hashes of training prompts", remedy=REMEDY)
    wanted, found = told.get("sha256"), hashlib.sha256(path.read_bytes()).hexdigest()
    if found != wanted:
        msg = f"{path}: expected SHA-256 {str(wanted)[:12]} of the checkpoint's record, got {found[:12]}; {REMEDY}"
        raise ValueError(msg)
    return TrainedOn(prompts=int(content["prompts"]), runs=frozenset(content["runs"]))


def _told(prompts: Sequence[str]) -> tuple[dict[str, Any], str]:
    """What the record has to hold, and the file's content."""
    found = sorted({digest for prompt in prompts for digest in _digests(prompt)})
    content = json.dumps({"schema_version": 1, "prompts": len(prompts), "runs": found}) + "\n"
    return {"prompts": len(prompts), "sha256": hashlib.sha256(content.encode()).hexdigest()}, content


def _digests(text: str) -> list[str]:
    return [hashlib.sha256(" ".join(run).encode()).hexdigest()[:16] for run in runs(text) if len(run) >= FEWEST_WORDS]
