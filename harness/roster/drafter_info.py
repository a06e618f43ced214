"""What records say of a drafter: the hash of its files, its size, on how much it was trained, and by whom."""

import hashlib
import math
from pathlib import Path

from pydantic import JsonValue, ValidationError
from safetensors import SafetensorError, safe_open

from offbook.engine.complaints import complaint
from offbook.engine.model_folder import WEIGHTS as MODEL_WEIGHTS
from offbook.engine.text import read_json
from offbook.harness.records.drafter import DrafterInfo

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
NOT_TRAINED = "draft_token_ids"


def fingerprint(folder: Path) -> str:
    """SHA-256 of a drafter's weights and config, one behind the other.

    Raises:
        ValueError: there are none.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        msg = f"{folder}: expected a drafter ({WEIGHTS}), found none; make one with `offbook train-drafter`"
        raise ValueError(msg)
    config = folder / CONFIG
    return hashlib.sha256(path.read_bytes() + (config.read_bytes() if config.is_file() else b"")).hexdigest()


def describe(folder: Path) -> DrafterInfo:
    """Size and training of a drafter, or of an imported one the format, from its files' headers.

    Raises:
        ValueError: they are damaged.
    """
    config = read_json(folder / CONFIG, what="a drafter's config", remedy="train it anew")
    try:
        training = config.get("training", {})
        return DrafterInfo(
            parameters=_parameters(folder / WEIGHTS),
            training_tokens=training.get("answer_tokens"),
            gradient_tokens=training.get("gradient_tokens"),
            training_flops=training.get("flops"),
            imported_from=config.get("imported", {}).get("format"),
            trained_with=config.get("training", {}).get("trained_with"),
        )
    except (SafetensorError, OSError, AttributeError, ValidationError) as error:
        told = complaint(error).told("its config") if isinstance(error, ValidationError) else str(error)
        found = " ".join(told.split())
        msg = f"{folder}: expected a drafter whose files are whole, got {found:.200}; train it anew"
        raise ValueError(msg) from error


def variant_of(folder: Path) -> dict[str, JsonValue]:
    """What network and objective of a drafter have beside their defaults."""
    config = read_json(folder / CONFIG, what="a drafter's config", remedy="train it anew")
    found = config.get("variant", {}) if isinstance(config, dict) else {}
    return dict(found) if isinstance(found, dict) else {}


def describe_model(folder: Path) -> DrafterInfo:
    """Size of a language model that drafts, from its files' headers; nobody says what it was trained on.

    Raises:
        ValueError: they are damaged.
    """
    try:
        return DrafterInfo(parameters=sum(_parameters(path) for path in folder.glob(MODEL_WEIGHTS)))
    except (SafetensorError, OSError) as error:
        msg = f"{folder}: expected a model whose files are whole, got {' '.join(str(error).split()):.200}; get it anew"
        raise ValueError(msg) from error


def _parameters(path: Path) -> int:
    """Numbers in a file of tensors, but for the ids of a draft vocabulary."""
    with safe_open(path, "pt") as file:
        trained = [name for name in file.keys() if name != NOT_TRAINED]  # noqa: SIM118 (no mapping)
        return sum(math.prod(file.get_slice(name).get_shape()) for name in trained)
