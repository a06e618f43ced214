"""An interrupted training goes on, a finished one is kept, and a folder never serves two.

The state lies under `state/part-N`, whole or absent:

    content.json             how far the training is, with the SHA-256 of it and of the files beside it; written last
    state.safetensors        weights, optimiser, schedule and the method's own, see `nested.py`
    random-R.safetensors     where the random numbers of process R stand

JSON and tensors only: reading it runs nothing, whoever wrote it.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from pydantic import TypeAdapter, ValidationError

from offbook.engine.complaints import complaint
from offbook.engine.files import atomic_write_text, file_sha256, rename_folder
from offbook.engine.quoting import quoted
from offbook.engine.resuming.held import Stateful
from offbook.engine.resuming.nested import flatten, restore
from offbook.engine.resuming.random_state import RandomState
from offbook.engine.tensor_file import read_tensors, write_tensors
from offbook.engine.unusable import UnusableError

FORMAT = 2  # 1 was accelerate's, with pickled files
CONTENT, STATE = "content.json", "state.safetensors"
PART = re.compile(r"part-(0|[1-9][0-9]{0,17})")
# What a state dict may raise over a file that is none of its own; none of it is a fault of ours.
ODD = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, RuntimeError, TypeError, ValueError)


def is_finished(record: Path, fingerprint: str, *keys: str) -> bool:
    """Whether `record`, which a training writes last, is there; `keys` lead to the fingerprint in it.

    Raises:
        ValueError: it is another training's, or no record.
    """
    if not record.is_file():
        return False
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
        for key in keys:
            found = found[key]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if found != fingerprint:
        raise something_else(record)
    return True


def something_else(record: Path) -> UnusableError:
    """What to say where `record` is another training's, or no record."""
    msg = f"{record.parent}: expected a new folder or this training finished, got something else; choose another folder"
    return UnusableError(msg, record)


def save_state(accelerator: Accelerator, state: Path, part: int, content: Any, held: Mapping[str, Stateful]) -> None:
    """Keeps `held` and `content` (JSON) as `part-N`, and drops earlier parts.

    Raises:
        TypeError: something held is more than numbers, text and tensors.
        OSError: it cannot be written; earlier parts stay.
    """
    temporary, final = state / "writing", state / f"part-{part}"
    if accelerator.is_main_process:
        shutil.rmtree(temporary, ignore_errors=True)
    accelerator.wait_for_everyone()
    _write(temporary / _random_name(accelerator.process_index), {"random": RandomState(accelerator.device)})
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        _write(temporary / STATE, held)
        files = {file.name: file_sha256(file) for file in sorted(temporary.glob("*.safetensors"))}
        what = {"format": FORMAT, "files": files, "content": flatten(content)[0]}
        atomic_write_text(temporary / CONTENT, json.dumps(what | {"sha256": _digest(what)}))
        rename_folder(temporary, final)
        for older in state.glob("part-*"):
            if older != final:
                shutil.rmtree(older, ignore_errors=True)


def resume(
    accelerator: Accelerator, state: Path, fingerprint: str, held: Mapping[str, Stateful], kind: Any
) -> Any | None:
    """Loads the newest part of the same training into `held`; its content, or None where there is no part yet.

    A process that had no part in the last sitting keeps its own random numbers.

    Args:
        accelerator: the training's.
        state: folder of the parts.
        fingerprint: what determines the training.
        held: by the names they were saved under.
        kind: the content's type.

    Raises:
        ValueError: the folder holds an unfinished training with other settings, or its part is damaged, older or not
            ours.
    """
    name = state / "fingerprint"
    if name.exists() and name.read_bytes() != fingerprint.encode():
        msg = f"{state.parent}: holds an unfinished training with other settings; choose another folder"
        raise UnusableError(msg, name)
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        atomic_write_text(name, fingerprint)
    part = _newest(state)
    if part is None:
        return None
    files, content = _content(part, kind)
    _read(part / STATE, files, held)
    random_name = _random_name(accelerator.process_index)
    if random_name in files:
        _read(part / random_name, files, {"random": RandomState(accelerator.device)})
    return content


def _newest(state: Path) -> Path | None:
    found: list[tuple[int, Path]] = []
    for folder in state.glob("part-*"):
        number = PART.fullmatch(folder.name)
        if number is None or not folder.is_dir():
            msg = f"{folder}: expected folders named part-0, part-1, ... here, got another name or a file; delete it"
            raise UnusableError(msg, folder)
        found.append((int(number[1]), folder))
    return max(found)[1] if found else None


def _content(part: Path, kind: Any) -> tuple[dict[str, str], Any]:
    """The hashes of a part's files, and its content."""
    file, there = part / CONTENT, {found.name for found in part.iterdir()}
    if any(name.endswith((".pkl", ".bin", ".pt", ".pth")) for name in there):
        msg = f"{part}: made by an older version of offbook; delete {part.parent} to start this training again"
        raise UnusableError(msg, part)
    try:
        whole = json.loads(file.read_bytes().decode())
        if whole["format"] != FORMAT:
            msg = f"format {quoted(whole['format'])}, made by another version of offbook"
            raise ValueError(msg)
        if whole.pop("sha256") != _digest(whole):
            msg = "other words than were written"
            raise ValueError(msg)
        files = TypeAdapter(dict[str, str]).validate_python(whole["files"], strict=True)
        content = restore(whole["content"], {})
        TypeAdapter(kind).validate_json(json.dumps(content), strict=True)  # so a dict will do for a dataclass
        if is_dataclass(kind) and content.keys() != (names := {field.name for field in fields(kind)}):
            msg = f"other fields than {', '.join(sorted(names))}"
            raise ValueError(msg)
    except (*ODD, OSError) as error:
        raise _unusable(file, error) from error
    if odd := sorted(there ^ {CONTENT, *files}):
        what = "nothing of that name" if odd[0] not in there else "a file that is none of it"
        msg = f"{part / odd[0]}: expected a part's own files and no others, got {what}; {_remedy(part)}"
        raise UnusableError(msg, part)
    return files, content


def _write(path: Path, held: Mapping[str, Stateful]) -> None:
    tree, tensors = flatten({name: stateful.state_dict() for name, stateful in held.items()})
    write_tensors(path, tensors, {"tree": json.dumps(tree)})


def _read(path: Path, files: Mapping[str, str], held: Mapping[str, Stateful]) -> None:
    try:
        if file_sha256(path) != files[path.name]:
            msg = "other bytes than were written"
            raise ValueError(msg)
    except (*ODD, OSError) as error:
        raise _unusable(path, error) from error
    tensors, words = read_tensors(path, remedy=_remedy(path.parent))
    try:
        states = restore(json.loads(words["tree"]), tensors)
        if states.keys() != held.keys():
            msg = f"the state of {', '.join(map(str, states))}"
            raise ValueError(msg)
        for name, stateful in held.items():
            stateful.load_state_dict(states[name])
    except (*ODD, OSError) as error:
        raise _unusable(path, error) from error


def _unusable(file: Path, error: Exception) -> UnusableError:
    if isinstance(error, ValidationError):
        problem = complaint(error).told("the whole")
    else:
        problem = str(error).strip().partition("\n")[0]
    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__} "
    msg = f"{file}: expected this training's state, got {kind}{problem:.160}; {_remedy(file.parent)}"
    return UnusableError(msg, file)


def _remedy(part: Path) -> str:
    return f"delete {part} to go on from the part before it or, where there is none, to start anew"


def _random_name(process: int) -> str:
    return f"random-{process}.safetensors"


def _digest(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
