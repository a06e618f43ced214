"""An interrupted training goes on, a finished one is kept, and a folder never serves two.

The state lies under `state/part-N`, whole or absent.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from offbook.engine.files import atomic_write_text


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
    except (json.JSONDecodeError, KeyError, TypeError):
        found = None
    if found != fingerprint:
        msg = (
            f"{record.parent}: expected a new folder or this training finished, got something else; choose another "
            "folder"
        )
        raise ValueError(msg)
    return True


def save_state(accelerator: Accelerator, state: Path, part: int, content: Any) -> None:
    """Keeps accelerate's state and `content` (JSON) as `part-N`, and drops earlier parts."""
    temporary, final = state / "writing", state / f"part-{part}"
    if accelerator.is_main_process:
        shutil.rmtree(temporary, ignore_errors=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(temporary))  # every process adds its own random state
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        (temporary / "content.json").write_text(json.dumps(content), encoding="utf-8")
        temporary.replace(final)
        for older in state.glob("part-*"):
            if older != final:
                shutil.rmtree(older, ignore_errors=True)


def resume(accelerator: Accelerator, state: Path, fingerprint: str) -> Any | None:
    """Loads the newest part of the same training and returns its content; None where there is none yet.

    Raises:
        ValueError: the folder holds an unfinished training with other settings.
    """
    name = state / "fingerprint"
    if name.exists() and name.read_text(encoding="utf-8") != fingerprint:
        msg = f"{state.parent}: holds an unfinished training with other settings; choose another folder"
        raise ValueError(msg)
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        atomic_write_text(name, fingerprint)
    parts = sorted(state.glob("part-*"), key=lambda folder: int(folder.name.removeprefix("part-")))
    if not parts:
        return None
    accelerator.load_state(str(parts[-1]))
    return json.loads((parts[-1] / "content.json").read_text(encoding="utf-8"))
