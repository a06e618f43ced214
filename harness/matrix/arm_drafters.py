"""The drafter that an entry of a matrix file may ask for, and the one that a student brings."""

from offbook.engine.quoting import quoted
from offbook.harness.artifacts.recipes import JointDrafterRecipe, ModelSpec
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import BASELINE
from offbook.harness.roster.distillers import distiller
from offbook.harness.settings.matrix import NONE, OWN, DecoderSpec


def check_drafter(name: str, spec: DecoderSpec, chosen: Contender) -> None:
    """Refuses a drafter, a training or a controller that a decoder has no use for, and a missing one that it needs.

    Raises:
        ValueError: see above.
    """
    if not chosen.may_be_cut and spec.controller != NONE:
        msg = (
            f"{name}: expected no controller, got {quoted(spec.controller)}; what it says hangs on its candidates, "
            "so that one that looked at them would change it"
        )
        raise ValueError(msg)
    if chosen.architecture is not None:
        if spec.drafter == NONE:
            msg = (
                f"{name}: expected a trained drafter, got none; make one with `offbook train-drafter {chosen.name}` "
                f"and name its folder (--drafter {chosen.name}=FOLDER), or write `drafter: {OWN}` in a matrix file"
            )
            raise ValueError(msg)
        if chosen.counted and (given := spec.training.config()):
            settings = ", ".join(given)
            msg = f"{name}: expected no such `training`, got {settings}; its drafter is counted: leave them out"
            raise ValueError(msg)
    elif spec.controller != NONE and (chosen.name == BASELINE or chosen.layout is not None):
        msg = f"{name}: expected no controller, got {quoted(spec.controller)}; it drafts nothing that could be cut"
        raise ValueError(msg)
    elif "drafter" in spec.model_fields_set and spec.drafter != NONE:
        msg = (
            f"{name}: expected no drafter, got {quoted(spec.drafter)}; this decoder has nothing to train: leave it out"
        )
        raise ValueError(msg)
    elif spec.training.model_dump(exclude_none=True):
        msg = f"{name}: expected no `training`, got some; this decoder has nothing to train: leave it out"
        raise ValueError(msg)


def joint_drafter(spec: DecoderSpec, chosen: Contender, checkpoint: ModelSpec) -> JointDrafterRecipe | None:
    """The drafter that was trained with a student, where its own is asked for and no other training of it is given."""
    student, decoder = checkpoint.student, chosen.drafter_of or chosen.name
    if student is None or spec.drafter != OWN or spec.training.model_dump(exclude_none=True):
        return None
    return (
        JointDrafterRecipe(decoder=decoder, student=student) if distiller(student.method).drafter == decoder else None
    )
