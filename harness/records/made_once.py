"""One recipe, one artifact: all records of a store that name a recipe were measured on the same weights.

A student or a drafter is made once in the folder of a run. Another machine may come to other last bits, in another
store; inside of one, other weights of the same recipe mean that the artifact was replaced, or damaged and made again.
Records of both would stand in one row of a table as one student.
"""

from collections.abc import Iterable, Iterator

from offbook.harness.records.consistency import arm_of
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.record import AnyRecord

RECIPES = "recipes"  # in the manifest: {"student": key, "drafters": {arm: key}}, of what was made for a trial

Made = tuple[str, str]  # "student" or "drafter" with what determines it, and the hash of its weights


def made_for(record: AnyRecord) -> list[Made]:
    """The artifacts that a record was measured on, as far as it names them.

    An exam tells all that determines its student, also where no recipe is named; a cell does not tell the weights of
    the base model.
    """
    found = list[Made]()
    spec, recipes = record.spec, record.manifest.get(RECIPES)
    if record.kind == "exam" and not record.spec.student.untouched:
        said = record.spec.model_dump(include={"model", "revision", "base_sha256", "settings_sha256", "student"})
        name = canonical_sha256([said, record.spec.max_new_tokens])
        found.append((f"student {name}", spec.weights_sha256))
    if not isinstance(recipes, dict):
        return found
    if isinstance(key := recipes.get("student"), str):
        found.append((f"student {key}", spec.weights_sha256))
    drafters = recipes.get("drafters")
    if record.kind == "cell" and record.spec.drafter is not None and isinstance(drafters, dict):
        key = drafters.get(arm_of(record))
        found += [(f"drafter {key}", record.spec.drafter.sha256)] if isinstance(key, str) else []
    return found


def made_twice(records: Iterable[tuple[str, Iterable[Made]]]) -> Iterator[tuple[str, str]]:
    """Records on other weights than the last record of the same recipe, with what is to be done.

    Args:
        records: names of their files without the ending, in the order of their commits, and `made_for` of each.
    """
    known = [(stem, dict(made)) for stem, made in records]
    last = {what: (sha256, stem) for stem, made in known for what, sha256 in made.items()}
    for stem, made in known:
        for what, sha256 in made.items():
            if last[what][0] != sha256:
                kind, (other, where) = what.partition(" ")[0], last[what]
                yield (
                    stem,
                    f"{stem}.json: expected the {kind} {other[:12]} of {where}.json, which has the same recipe, got "
                    f"{sha256[:12]}: the {kind} was replaced or made again, or two stores were merged; delete this "
                    f"record and run it again, or restore this {kind} and delete the other",
                )
                break
