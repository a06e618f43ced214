"""Answers of a model on disk, so that no request is made twice: one JSON line each, written when it comes.

    {"question": "q1", "perspective": "planning", "attempt": 0, "asked": "5f0c2a...", "text": "..."}

`asked` is the hash of the model, its settings and the prompt: an answer stands for the same request alone.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from offbook.engine.files import writing
from offbook.tasks.rationales.synthesis.ask import Ask, Model

Progress = Callable[[int, int], None]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    question: str
    perspective: str
    attempt: int
    asked: str
    text: str

    @property
    def key(self) -> tuple[str, str, int, str]:
        return self.question, self.perspective, self.attempt, self.asked


class Journal:
    """The answers of one model.

    Args:
        model: is asked what the file does not hold.
        path: JSON Lines file, made if missing; an unfinished last line (a kill) is dropped.

    Raises:
        ValueError: a line of the file is no answer.
    """

    def __init__(self, model: Model, path: Path) -> None:
        self.model, self.path = model, path
        self._lock = threading.Lock()
        self._known = _read(path)

    def answers(self, asks: Sequence[Ask], progress: Progress = lambda done, total: None) -> dict[Ask, str]:
        """The answer to each request, from the file or else from the model.

        Raises:
            ValueError: as `Model.answer`; what was answered before is kept.
        """
        missing = [ask for ask in dict.fromkeys(asks) if self._key(ask) not in self._known]
        done, total = len(asks) - len(missing), len(asks)
        progress(done, total)

        def keep(ask: Ask, text: str) -> None:
            nonlocal done
            with self._lock:
                self._append(ask, text)
                done += 1
                progress(done, total)

        if missing:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.model.answer(missing, keep)
        return {ask: self._known[self._key(ask)] for ask in asks}

    def _append(self, ask: Ask, text: str) -> None:
        question, perspective, attempt, asked = key = self._key(ask)
        entry = _Entry(question=question, perspective=perspective, attempt=attempt, asked=asked, text=text)
        line = json.dumps(entry.model_dump())  # ASCII, so that a lone surrogate cannot stop the run
        with writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        self._known[key] = text

    def _key(self, ask: Ask) -> tuple[str, str, int, str]:
        what = json.dumps([self.model.name, self.model.settings, ask.prompt])
        return ask.question, ask.perspective, ask.attempt, hashlib.sha256(what.encode()).hexdigest()[:16]


def _read(path: Path) -> dict[tuple[str, str, int, str], str]:
    if not path.is_file():
        return {}
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with writing(path), path.open("r+b") as file:
            file.truncate(len(whole))
    known = {}
    for number, line in enumerate(whole.split(b"\n")[:-1], start=1):
        try:
            entry = _Entry.model_validate_json(line)
        except ValidationError as error:
            msg = f"{path.name}, line {number}: expected an answer of a model, got something else; remove the line"
            raise ValueError(msg) from error
        known[entry.key] = entry.text
    return known
