"""Students between a base model and one that was trained of it: made of the weights of both, without training."""

import json
from pathlib import Path

from pydantic import ValidationError

from offbook.engine import pretrained
from offbook.engine.files import atomic_files, atomic_write_bytes, atomic_write_text
from offbook.engine.resuming.seal import FILES, SEAL, sealed
from offbook.engine.students.interpolation import interpolate
from offbook.engine.students.record import RECORD
from offbook.engine.text import read_json
from offbook.engine.trained_on import FILE
from offbook.engine.unusable import UnusableError
from offbook.harness.artifacts.pins import check_model
from offbook.harness.artifacts.recipes import StudentRecipe
from offbook.harness.records.student import Interpolation

PLACE = "interpolation"
# What only the parent's weights have, or only its folder.
OF_THE_PARENT = ("evaluations", "kept_score", "dtype_scores", "retention", "log", FILES, SEAL)


def make_interpolated(recipe: StudentRecipe, parent: Path, folder: Path) -> Path:
    """Makes a student at `recipe.interpolation` of the way to its parent; stored in fp32, so nothing is rounded.

    Its record is the parent's, as far as that tells how both came to be, with the place and the hash of the parent's
    weights; its cost is the parent's.

    Args:
        recipe: of the student.
        parent: folder of the trained one.
        folder: becomes the student's.

    Raises:
        ValueError: a base model that was edited since the run was planned, or a parent of another one.
    """
    assert recipe.interpolation is not None
    check_model(recipe.base, recipe.revision, weights_sha256=recipe.base_sha256, settings_sha256=recipe.settings_sha256)
    record = read_json(parent / RECORD, what="a student's record", remedy="run its stage again")
    if not isinstance(record, dict):
        msg = f"{parent / RECORD}: expected a student's record, got something else; run its stage again"
        raise UnusableError(msg, parent / RECORD)
    untouched, tokenizer = pretrained.load(recipe.base, revision=recipe.revision)
    student, _ = pretrained.load(str(parent))
    place = Interpolation(a=recipe.interpolation, parent_sha256=pretrained.weights_sha256(str(parent)))
    interpolate(student, untouched, recipe.interpolation)
    with atomic_files(folder) as written:
        tokenizer.save_pretrained(written)
        student.save_pretrained(written)
    atomic_write_bytes(folder / FILE, (parent / FILE).read_bytes())
    own = {name: value for name, value in record.items() if name not in OF_THE_PARENT}
    own |= {"evaluations": [], "saved_dtype": "float32", PLACE: place.model_dump(mode="json")}
    own = sealed(own, folder / RECORD)
    atomic_write_text(folder / RECORD, json.dumps(own, indent=1, sort_keys=True, allow_nan=False) + "\n")
    return folder


def place_of(folder: Path) -> Interpolation:
    """Where a made student lies between its base and its parent.

    Raises:
        ValueError: its record does not say.
    """
    record = read_json(folder / RECORD, what="a student's record", remedy="run its stage again")
    try:
        return Interpolation.model_validate(record[PLACE])
    except (KeyError, TypeError, ValidationError) as error:
        msg = f"{folder / RECORD}: expected an interpolated student's record, got another; run its stage again"
        raise UnusableError(msg, folder / RECORD) from error
