"""Students as artifacts: made once under the hash of what determines them.

<folder>/student-<name>-s<seed>-<hash12>/       a plain model, with distillation.json
<folder>/tables/                                what trainings of one base model and corpus share
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from offbook.engine import pretrained
from offbook.engine.context import context_of
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.progress import Progress
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.distiller import Job
from offbook.engine.students.paths import encode_corpus
from offbook.engine.students.precision import say_precision
from offbook.engine.students.record import RECORD
from offbook.engine.students.replay import ReplayItem
from offbook.engine.students.text_encoder import encoder_sha256, load_encoder, path_vectors
from offbook.engine.text import read_json
from offbook.engine.unusable import UnusableError
from offbook.harness.artifacts.activity import activity
from offbook.harness.artifacts.development import dev_answers, dev_score, retention_score
from offbook.harness.artifacts.material import Material
from offbook.harness.artifacts.pins import check_model
from offbook.harness.artifacts.replay import replay_items
from offbook.harness.artifacts.replay_prompts import replay_prompts_sha256
from offbook.harness.records.exam import TrainingCost
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.manifest import load_average
from offbook.harness.records.redaction import shown_settings
from offbook.harness.records.spent import spending
from offbook.harness.records.student import StudentId
from offbook.harness.roster.command_line import process_manifest
from offbook.harness.roster.distillers import distiller
from offbook.harness.settings.bounds import EXAM_TOKENS

NO_HELPERS = ("model", "model_settings", "corpus", "method_code")  # what records say in fields of their own
REMEDY = "choose another folder, or delete this one to train anew"


@dataclass(frozen=True, kw_only=True)
class Student:
    """A student to be made.

    Attributes:
        name: what the tables call it.
        method: of the roster.
        options: all of the method's own settings, defaults too, so that another default is another student.
        config: the settings all methods share, with the seed.
        model: its base model, by alias, folder or id.
        revision: of an id.
        base_sha256: hash of the base model's weights.
        base_settings_sha256: of what lies beside them and decides its text; see `engine.model_identity`.
        encoder: reads the rationales for methods that want vectors; by alias, folder or id.
        processes: of its training.
        max_new_tokens: cap on an answer to a development question.
    """

    name: str
    method: str
    options: Mapping[str, Any]
    config: StudentConfig
    model: str
    revision: str | None = None
    base_sha256: str
    base_settings_sha256: str | None = None
    encoder: str
    processes: int = 1
    max_new_tokens: int = EXAM_TOKENS

    def identity(self, material: Material) -> dict[str, str]:
        """What determines it beside method and settings."""
        names = {"model": self.base_sha256, "corpus": material.sha256}
        if self.base_settings_sha256 is not None:
            names["model_settings"] = self.base_settings_sha256
        if distiller(self.method).reads_vectors:
            names["encoder"] = encoder_sha256(self.encoder)
        if (made_by := distiller(self.method).made_by) is not None:
            names["method_code"] = made_by.code_sha256 or ""
        if self.config.replay:
            names["replay_prompts"] = replay_prompts_sha256()
        return names | self._named_models()

    def _named_models(self) -> dict[str, str]:
        """The hash of the weights of every model that the settings name; what is on a hub is downloaded for it."""
        named = {setting: self.options[setting] for setting in distiller(self.method).models if setting in self.options}
        return {setting: pretrained.weights_sha256(str(model)) for setting, model in named.items()}

    def told(self, material: Material) -> dict[str, Any]:
        """Its settings as records and keys tell them: a model by its name (its weights are in `identity`), no path."""
        method = distiller(self.method)
        self._named_models()  # an id is told once its model was found: the first call says what all later ones say
        known = material.corpus.perspectives
        return shown_settings(self.options, method.settings(), models=method.models, known=known)

    def id(self, material: Material) -> StudentId:
        """What records call it."""
        return StudentId(
            name=self.name,
            method=self.method,
            made_by=distiller(self.method).made_by,
            options=self.told(material),
            training={name: value for name, value in vars(self.config).items() if name != "seed"},
            seed=self.config.seed,
            corpus_sha256=material.sha256,
            helpers={k: v for k, v in self.identity(material).items() if k not in NO_HELPERS},
        )

    def folder(self, root: Path, material: Material) -> Path:
        """Where it lies below `root`, made or not."""
        what = [self.method, self.told(material), asdict(self.config), self.identity(material), self.max_new_tokens]
        name = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")[:60]
        return root / f"student-{name}-s{self.config.seed}-{canonical_sha256(what)[:12]}"


def is_made(folder: Path) -> bool:
    """Whether a student's training is finished."""
    return (folder / RECORD).is_file()


def make(
    student: Student,
    material: Material,
    folder: Path,
    progress: Progress,
    *,
    device: str | torch.device,
    tables: Path | None = None,
) -> Path:
    """Trains a student into `folder`, or finishes what an earlier call left there.

    Args:
        student: what to train.
        material: what it learns from.
        folder: becomes the student.
        progress: is told how far it is.
        device: where it is trained.
        tables: folder of what trainings of one base model and corpus share; by default it goes with the training.

    Raises:
        ValueError: settings the method does not know, a corpus it cannot use, a folder with another student, or a base
            model that was edited since the student was planned.
    """
    if is_made(folder):
        return checked(folder, student, material)
    check_base(student)
    method = distiller(student.method)
    method.check_corpus(student.options, material.corpus)
    with spending("loading"):
        model, tokenizer = pretrained.load(student.model, device=device, revision=student.revision)
    Backbone(model).use_native_attention()  # branches replace the model's mask as trees do: the same models are refused
    answering: Any = {"max_new_tokens": student.max_new_tokens, "context_length": context_of(model)}
    score = dev_score(material, tokenizer, **answering)
    retention = retention_score(material, tokenizer, **answering)
    vectors, prepared_s = None, 0.0
    replay: Sequence[ReplayItem] = ()
    if method.reads_vectors or student.config.replay:  # minutes: what the training would refuse is refused before
        encode_corpus(material.corpus, tokenizer, max_length=student.config.max_length)
    if student.config.replay:
        replay = replay_items(
            model,
            tokenizer,
            tables or folder / "state",
            progress,
            base=(student.base_sha256, student.base_settings_sha256),
            max_length=student.config.max_length,
        )
    if method.reads_vectors:
        with spending("loading"):
            encoder = load_encoder(student.encoder, device)
        with spending("forwards"):
            vectors, prepared_s = path_vectors(
                material.corpus,
                encoder,
                tables or folder / "state",
                progress=lambda done, total: progress.update(done, total, "vectors of the rationales"),
            )
    progress.say(f"    {student.name}: {say_precision(folder, student.config.mixed_precision, model.device)}")
    description, load_at_start = process_manifest(), load_average()
    job = Job(
        student=model,
        tokenizer=tokenizer,
        corpus=material.corpus,
        config=student.config,
        options=student.options,
        told=student.told(material),
        folder=folder,
        identity=student.identity(material),
        cache=tables,
        machine=lambda: description | {"load_average": {"start": load_at_start, "end": load_average()}},
        prepared_s=prepared_s,
        score=score,
        retention=retention,
        replay=replay,
        answers=dev_answers(material, tokenizer, max_new_tokens=student.max_new_tokens),
        report=lambda done, total, message: progress.update(done, total, f"{student.name}: {message}"),
    )
    with spending("training"):
        made = method.distil(job, vectors)
    if method.drafter is not None:
        progress.say(f"    {student.name}: its drafter for {method.drafter} lies in {made / method.drafter}")
    return made


def check_base(student: Student) -> None:
    """Whether the base model is still the one that a student was planned with.

    Raises:
        ValueError: it was edited.
    """
    check_model(
        student.model,
        student.revision,
        weights_sha256=student.base_sha256,
        settings_sha256=student.base_settings_sha256,
    )


def cost(folder: Path) -> TrainingCost:
    """What a made student cost, from its own record.

    Raises:
        ValueError: the record is damaged.
    """
    found = _record(folder)
    try:
        return TrainingCost(
            gradient_tokens=found["gradient_tokens"],
            kept_tokens=found["kept_tokens"],
            distinct_sequences=found["distinct_sequences"],
            steps=found["steps"],
            mixed_precision=found.get("mixed_precision"),
            machine=found.get("machine", {}),
            prepared_s=found.get("prepared_s"),
            wall_s=found["wall_s"],
            peak_bytes=found["peak_bytes"],
            dev_scores=tuple(e["score"] for e in found["evaluations"]),
            saved_dtype=found.get("saved_dtype"),
            dtype_scores=found.get("dtype_scores", {}),
            averaged_steps=found.get("averaged_steps"),
            kept_score=found.get("kept_score", _kept_score(found)),
            replay=found.get("replay"),
            retention=found.get("retention"),
            activity=activity(found.get("log", ())),
            perspective=found.get("identity", {}).get("perspective"),
        )
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise UnusableError(_damaged(folder), folder / RECORD) from error


def _kept_score(found: Mapping[str, Any]) -> float | None:
    """Development score of the weights that were kept, by a record of before it said so: the mean's or the best."""
    scores = [e["score"] for e in found["evaluations"]]
    return None if not scores else scores[-1] if found.get("averaged_steps") is not None else max(scores)


def checked(folder: Path, student: Student, material: Material) -> Path:
    """The folder of a made student.

    Raises:
        ValueError: another student was made there.
    """
    found = _record(folder)
    wanted = {"method": student.method, "options": student.told(material), "config": asdict(student.config)}
    own = {name: found.get(name) for name in wanted} == wanted
    identity = found.get("identity")
    if not isinstance(identity, dict) or not isinstance(found.get("method"), str):
        raise UnusableError(_damaged(folder), folder / RECORD)
    if not (own and student.identity(material).items() <= identity.items()):
        msg = f"{folder}: expected a new folder or this student, got another one ({found['method']}); choose another"
        raise UnusableError(msg, folder / RECORD)
    return folder


def _record(folder: Path) -> dict[str, Any]:
    found = read_json(folder / RECORD, what="a student's record", remedy=REMEDY)
    if not isinstance(found, dict):
        raise UnusableError(_damaged(folder), folder / RECORD)
    return found


def _damaged(folder: Path) -> str:
    return f"{folder / RECORD}: expected a student's record, got something else; {REMEDY}"
