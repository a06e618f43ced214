"""Everything that a plan's pending stages would be refused for, before the first of them begins.

A suite that cannot be scored, a document that does not fit, a drafter of another model, a corpus that a method cannot
learn from: found after hours of training, each would cost these hours. Every base model is loaded once for it.
"""

from collections.abc import Sequence

import torch

from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.drafters.vocabulary import check_size
from offbook.engine.progress import Progress
from offbook.engine.students.paths import encode_corpus
from offbook.harness.artifacts.development import dev_score
from offbook.harness.artifacts.recipes import DrafterRecipe, ModelSpec, StudentRecipe, TuningRecipe
from offbook.harness.matrix.graph import KINDS, Graph
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.distillers import distiller
from offbook.harness.roster.target import Target, resolve_device, short_name
from offbook.harness.suites.rehearsal import rehearse as rehearse_suite
from offbook.harness.trials.session import Session
from offbook.harness.trials.spec import ArmSpec, ExamSpec, HeatSpec


def rehearse(graph: Graph, done: set[str], session: Session, progress: Progress) -> None:
    """Refuses a plan of which a pending stage would be refused.

    Args:
        graph: the plan.
        done: keys of its stages that are done.
        session: of the process; the base model of the first stages is loaded last and so stays warm for them.
        progress: is told how far it is.

    Raises:
        ValueError: the first that would be refused, and why.
    """
    resolve_device(session.device)
    pending = _Pending(graph, done)
    for recipe in pending.students:
        _check_student(recipe, session, progress)
    for base in pending.bases():
        progress.update(0, len(graph), f"rehearsing on {short_name(base.name)}")
        target = session.target(base)
        pending.check(base, target, session, progress)


class _Pending:
    """What of a plan is not done, by kind."""

    def __init__(self, graph: Graph, done: set[str]) -> None:
        stages = {kind: [s.spec for s in graph.of_kind(kind) if s.key not in done] for kind in KINDS}
        self.heats = [HeatSpec.model_validate(spec) for spec in stages["heat"]]
        self.exams = [ExamSpec.model_validate(spec) for spec in stages["exam"]]
        self.students = [StudentRecipe.model_validate(spec) for spec in stages["student"]]
        self.drafters = [DrafterRecipe.model_validate(spec) for spec in stages["drafter"]]

    def bases(self) -> list[ModelSpec]:
        """The untouched models, the one that is needed first last."""
        models = [*(h.model for h in self.heats), *(e.model for e in self.exams)]
        found = {model.base.key(): model.base for model in [*models, *(d.answers.model for d in self.drafters)]}
        return list(reversed(found.values()))

    def check(self, base: ModelSpec, target: Target, session: Session, progress: Progress) -> None:
        """Everything that is asked of one base model or of its students."""
        for drafter in self.drafters:
            counted = contender(drafter.decoder).counted  # and has no vocabulary of its own
            if not counted and drafter.answers.model.base == base:
                check_size(TrainingConfig(**drafter.training).draft_vocab_size, target.backbone.embedding_VH.shape[0])  # type: ignore[arg-type]  # they were checked when it was planned
        heats = [heat for heat in self.heats if heat.model.base == base]
        arms = {arm.key(): arm for h in heats if h.model == base for arm in h.arms}
        ready = [arm for arm in arms.values() if not isinstance(arm.drafter, DrafterRecipe)]
        session.arms(target, [_as_it_can_be_built(arm) for arm in ready])
        for heat in _longest(heats):
            suite = session.suite(heat.suite, heat.include_path, progress)
            rehearse_suite(
                suite,
                target,
                limit=heat.limit,
                max_new_tokens=heat.max_new_tokens,
                chat_template=heat.chat_template,
            )
        for exam in {
            e.model_copy(update={"model": base}).key(): e for e in self.exams if e.model.base == base
        }.values():
            session.paper(exam, target, progress)
        students = [recipe for recipe in self.students if recipe.base == base.name]
        for recipe in {(r.corpus, r.training["max_length"], r.max_new_tokens): r for r in students}.values():
            material = session.material(recipe, progress)
            encode_corpus(material.corpus, target.tokenizer, max_length=int(str(recipe.training["max_length"])))
            dev_score(
                material,
                target.tokenizer,
                max_new_tokens=recipe.max_new_tokens,
                context_length=target.backbone.context_length,
            )


def _longest(heats: Sequence[HeatSpec]) -> list[HeatSpec]:
    """Of the heats that ask the same of a suite, the one with the most documents."""
    found: dict[tuple[object, ...], HeatSpec] = {}
    for heat in heats:
        place = (heat.suite, heat.include_path, heat.max_new_tokens, heat.chat_template)
        other = found.setdefault(place, heat)
        if other.limit is not None and (heat.limit is None or heat.limit > other.limit):
            found[place] = heat
    return list(found.values())


def _check_student(recipe: StudentRecipe, session: Session, progress: Progress) -> None:
    gpus = torch.cuda.device_count()
    if 0 < gpus < recipe.processes:
        msg = f"expected a GPU for each of {recipe.processes} processes, got {gpus}; lower `processes`"
        raise ValueError(msg)
    material = session.material(recipe, progress)
    try:
        distiller(recipe.method).check_corpus(recipe.options, material.corpus)
    except ValueError as error:
        msg = f"student {recipe.name}, corpus {material.name}: {error}"
        raise ValueError(msg) from error


def _as_it_can_be_built(arm: ArmSpec) -> ArmSpec:
    """Without what the plan has yet to measure."""
    return arm.model_copy(update={"tuning": None}) if isinstance(arm.tuning, TuningRecipe) else arm
