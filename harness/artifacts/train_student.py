"""`offbook train-student`: one student of one corpus, in a folder that its recipe names; in several processes at will.

Several processes are several copies of the command, started by torch's launcher (`accelerate launch` does the same on
GPUs, but starts one on a CPU); accelerate joins them, and each has a part of every step's questions.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue

from offbook.engine.children import safe_children
from offbook.engine.files import atomic_write_text
from offbook.engine.model_identity import model_identity
from offbook.engine.paths import user_path
from offbook.engine.progress import Progress, Silent
from offbook.engine.quoting import quoted
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.precision import keep_precision, precision_of
from offbook.engine.students.record import STATE
from offbook.harness.artifacts.folders import RUNS, check_no_model
from offbook.harness.artifacts.material import Material, load_material
from offbook.harness.artifacts.students import Student, check_base, checked, is_made, make
from offbook.harness.artifacts.told_failure import FOLDER, telling, told_failure
from offbook.harness.records.locks import locked
from offbook.harness.roster.distillers import distiller
from offbook.harness.roster.target import resolve_device
from offbook.harness.settings.bounds import EXAM_TOKENS, Number, Seed
from offbook.harness.settings.parse import parse
from offbook.harness.settings.strict import Name, Strict
from offbook.harness.settings.students import CorpusSpec, StudentTrainingSpec

PATIENCE_S = 60.0  # for several processes to end


class TrainStudentSpec(Strict):
    """What `offbook train-student --config` may set; a flag on the command line wins over the file."""

    method: Name
    name: Name | None = None
    model: Name = "smollm2-135m-instruct"
    revision: Name | None = None
    corpus: CorpusSpec = CorpusSpec()
    options: dict[str, JsonValue] = Field(default={})
    training: StudentTrainingSpec = StudentTrainingSpec()
    encoder: Name = "all-minilm-l6-v2"
    max_new_tokens: Number = EXAM_TOKENS
    seed: Seed = 0
    device: Name = "auto"
    processes: Number = 1
    tables: Name | None = None
    output: Name | None = None


def merge(file: Any, flags: Mapping[str, Any]) -> TrainStudentSpec:
    """Flags over a file, nested settings one by one; None is a flag that was not given.

    Raises:
        ValueError: a setting of the wrong kind, or no settings where some are expected.
    """
    merged = dict(_settings(file, "train-student"))
    for name, value in flags.items():
        if isinstance(value, Mapping):
            given = {key: item for key, item in value.items() if item is not None}
            if given:
                merged[name] = {**_settings(merged.get(name, {}), f"train-student: {name}"), **given}
        elif value is not None:
            merged[name] = value
    return parse(TrainStudentSpec, merged, source="train-student")


def train_student(spec: TrainStudentSpec, progress: Progress) -> Path:
    """Trains a student and returns its folder; what an interrupted call left there is used.

    Raises:
        ValueError: an unknown method or setting, a corpus or a model that is not there, or a folder with a model that
            is no student.
    """
    options = distiller(spec.method).resolved(spec.options)
    output = user_path(spec.output, what="output") if spec.output else None
    if output is not None:
        check_no_model(output, "a student's folder", ours=is_made(output) or (output / STATE).exists())
    identity = model_identity(spec.model, revision=spec.revision)
    student = Student(
        name=spec.name or spec.method,
        method=spec.method,
        options=options,
        config=StudentConfig(**spec.training.model_dump(exclude_none=True), seed=spec.seed),
        model=spec.model,
        revision=spec.revision,
        base_sha256=identity.weights_sha256,
        base_settings_sha256=identity.settings_sha256,
        encoder=spec.encoder,
        processes=spec.processes,
        max_new_tokens=spec.max_new_tokens,
    )
    tables = user_path(spec.tables, what="tables") if spec.tables else None
    progress = progress if int(os.environ.get("RANK", "0")) == 0 else Silent()
    material = load_material(spec.corpus, progress)
    folder = output or student.folder(RUNS, material)
    progress.say(f"training {student.name} on {len(material.corpus)} questions into {folder}")
    if "WORLD_SIZE" in os.environ:  # one of several processes of one training
        with telling():
            return make(student, material, folder, progress, device=own_device(spec.device), tables=tables)
    with locked(folder, f"training of {student.name}", progress.say):
        if spec.processes > 1:
            return launch(student, material, folder, spec.corpus, device=spec.device, tables=tables)
        return make(student, material, folder, progress, device=own_device(spec.device), tables=tables)


def launch(
    student: Student, material: Material, folder: Path, corpus: CorpusSpec, *, device: str, tables: Path | None = None
) -> Path:
    """Trains a student in its several processes; see `make`.

    Raises:
        ValueError: what a process was refused for; or one failed otherwise, and has said why. Or they trained
            another student than was planned, since a file was edited meanwhile.
    """
    if is_made(folder):
        return checked(folder, student, material)
    check_base(student)
    # Decided here: each of the processes would time its own products.
    keep_precision(folder, precision_of(folder, student.config.mixed_precision, resolve_device(device)))
    training = {key: value for key, value in vars(student.config).items() if key != "seed"}
    spec = TrainStudentSpec(
        method=student.method,
        name=student.name,
        model=student.model,
        revision=student.revision,
        corpus=corpus,
        options=dict(student.options),
        training=StudentTrainingSpec(**training),
        encoder=student.encoder,
        max_new_tokens=student.max_new_tokens,
        seed=student.config.seed,
        device=device,
        tables=str(tables) if tables else None,
        output=str(folder),
    )
    with tempfile.TemporaryDirectory() as private:  # the recipe names folders of this machine
        recipe = Path(private) / "recipe.json"
        atomic_write_text(recipe, spec.model_dump_json(exclude_none=True) + "\n")
        command = [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc_per_node", str(student.processes)),
            *("-m", "offbook.harness.cli", "train-student", "--config", str(recipe)),
        ]
        status = _run(command, {FOLDER: private})
        if status != 0 and (why := told_failure(Path(private))) is not None:
            raise why
    if status != 0 or not is_made(folder):
        msg = f"{student.name}: expected {student.processes} processes to train it, got exit status {status}; see above"
        raise ValueError(msg)
    return checked(folder, student, material)


def _run(command: Sequence[str], environ: Mapping[str, str] | None = None) -> int:
    """A program's exit status; whatever ends this process ends that one first, and those it started."""
    with safe_children(), subprocess.Popen(command, env=os.environ | dict(environ or {})) as program:
        try:
            return program.wait()
        except BaseException:
            program.terminate()  # torch's launcher passes it on
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(PATIENCE_S)
            program.kill()
            raise


def own_device(name: str) -> str:
    """The device of this process: its own GPU where accelerate started several."""
    rank = os.environ.get("LOCAL_RANK")
    device = resolve_device(name)
    return f"cuda:{rank}" if rank is not None and device.type == "cuda" else str(device)


def _settings(given: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        got = "nothing" if given is None else quoted(given)
        msg = f"{where}: expected settings by name, got {got}; write them as `name: value`"
        raise ValueError(msg)
    return given
