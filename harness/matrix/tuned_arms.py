"""An arm whose rounds are cut: by what the plan measures on the way, or by a tuning that is there."""

from collections.abc import Sequence

from offbook.engine.decoding.layouts.names import AUTO
from offbook.engine.paths import user_path
from offbook.harness.artifacts.recipes import ModelSpec, TuningRecipe
from offbook.harness.settings.matrix import TUNED, DecoderSpec
from offbook.harness.trials.spec import ArmSpec


def tuned_arm(
    name: str, arm: ArmSpec, spec: DecoderSpec, checkpoint: ModelSpec, temperatures: Sequence[float]
) -> ArmSpec:
    """The arm under its controller.

    Args:
        name: of the entry.
        arm: without one.
        spec: the entry; settings that it gives are fixed, others are chosen by the tuning.
        checkpoint: who decodes.
        temperatures: of the matrix.

    Raises:
        ValueError: a tuning that is not there, is damaged, or was made with other settings.
    """
    if spec.controller == TUNED:
        recipe = TuningRecipe(
            decoder=arm.decoder,
            made_by=arm.made_by,
            model=checkpoint,
            options=spec.options,
            drafter=arm.drafter,
            drafter_sha256=arm.drafter_sha256,
            made_for=arm.made_for,
            layout=arm.layout,
            temperatures=tuple(sorted(set(temperatures))),
        )
        return arm.model_copy(update={"tuning": recipe})
    from offbook.harness.roster.tuning import read_tuning, tuned_options  # needs torch, which a plan does without

    file = user_path(spec.controller, what=f"controller of {name}").absolute()
    tuning = read_tuning(file)
    return arm.model_copy(
        update={
            "options": tuned_options(tuning, arm.decoder, spec.options),
            "layout": tuning.layout if spec.layout is None and arm.layout == AUTO else arm.layout,
            "tuning": str(file),
            "tuning_sha256": tuning.sha256(),
        }
    )
