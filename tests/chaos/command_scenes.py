"""What each command is given, what must come of it, and the folders it works on."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from offbook.engine.students.corpus import save_corpus
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.plan import plan
from offbook.harness.records.cell import Cell
from offbook.harness.records.exam import Exam
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole
from offbook.harness.roster.tuning import read_tuning
from offbook.harness.settings.matrix import Matrix
from offbook.harness.settings.parse import load_config
from tests.chaos.schema_1 import schema_1
from tests.chaos.store_scenes import entries
from tests.chaos.true_run import told
from tests.checkpoints import save_student
from tests.engine.students.test_text_encoder import tiny_encoder
from tests.harness.records.test_exam import ROWS
from tests.harness.records.test_exam import record as exam_record
from tests.methods.mind_corpus import mind_corpus
from tests.published import save_published
from tests.tiny import save_tiny

MEASURED = ("prefill_s", "decode_s", "draft_s", "target_s", "peak_bytes")  # of a row


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a command works.

    Attributes:
        room: the folder around it, which nobody else uses.
        folder: what it is told to write to or to read.
        scene: what it only reads.
    """

    room: Path
    folder: Path
    scene: Path


@dataclass(frozen=True, kw_only=True)
class Command:
    """A row of the table.

    Attributes:
        name: of the command.
        arguments: FOLDER and SCENE stand for the two, KEY for a stage of the plan, RECORD and OTHER for files of a
            run.
        before: what lies in the folder at first, a name in the scene; "" for nothing.
        result: what must come of it, the same every time.
        status: how it ends.
        writes: whether it has a folder at all.
    """

    name: str
    arguments: str
    before: str = ""
    result: Callable[[Place], Any]
    status: int = 0
    writes: bool = True

    @property
    def loads(self) -> bool:
        """Whether it, or what made its folder, loads a model."""
        return self.before != "old"

    def fresh(self, scene: Path, room: Path) -> Place:
        """A place to work in, as it is at first."""
        room.mkdir()
        place = Place(room=room, folder=room / "folder", scene=scene)
        if self.before:
            shutil.copytree(scene / self.before, place.folder)
        return place

    def line(self, place: Place) -> list[str]:
        """Its arguments."""
        words = self.arguments.replace("FOLDER", str(place.folder)).replace("SCENE", str(place.scene)).split()
        meant = {"KEY": _key, "RECORD": _record, "OTHER": _other}
        return [self.name, *(meant[word](place) if word in meant else word for word in words)]


def _key(place: Place) -> str:
    return Graph.read(place.scene / "planned").stages[0].key


def _record(place: Place) -> str:
    """A record of the folder, which may be gone by now; the scene has the same."""
    return _record_of(place, "prompt-lookup")


def _other(place: Place) -> str:
    """Another one of the same heat."""
    return _record_of(place, "autoregressive")


def _record_of(place: Place, decoder: str) -> str:
    name = min(path.name for path in (place.scene / "done" / "records").glob(f"*{decoder}*.json"))
    return str(place.folder / "records" / name)


def stored(place: Place) -> dict[str, str]:
    """What was answered and how it was scored, by key of the record."""
    found = {}
    held = whole(Store(place.folder))
    for one in (*held.cells, *held.exams):
        rows = [{k: v for k, v in row.model_dump(mode="json").items() if k not in MEASURED} for row in one.rows]
        found[one.record.key] = canonical_sha256({"rows": rows})
    return found


def tables(place: Place) -> dict[str, Any]:
    """The records, and the names of the tables beside them."""
    return {"records": stored(place), "tables": sorted(path.name for path in place.folder.glob("*.csv"))}


def files(*names: str) -> Callable[[Place], dict[str, str]]:
    """The files of these names, by hash."""

    def result(place: Place) -> dict[str, str]:
        found = [path for name in names for path in place.room.rglob(name)]
        return {str(path.relative_to(place.room)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    return result


def nothing(place: Place) -> None:
    """Of a command that leaves nothing."""


def results(place: Place) -> Any:
    """What lm-eval scored the last time; a file that it could not finish, on a full disk, stays beside."""
    last = max(place.folder.rglob("results_*.json"), key=lambda path: path.stat().st_mtime_ns)
    return json.loads(last.read_text())["results"]


def tuned(place: Place) -> Any:
    """What does not hang on the clock."""
    found = read_tuning(place.folder)
    return found.model, found.layout, found.prompts, found.tokens, [each.decoder for each in found.decoders]


def certified(place: Place) -> Any:
    """A certificate without what it ran on."""
    content = json.loads((place.folder / "certificate.json").read_text())
    return {name: value for name, value in content.items() if name != "manifest"}


MODEL = "--model SCENE/tiny --device cpu"
COMMANDS = (
    Command(name="generate", arguments=f"hi --max-new-tokens 4 {MODEL}", result=nothing, writes=False),
    Command(
        name="evaluate",
        arguments="--tasks qa --decoders autoregressive,prompt_lookup --limit 1 --max-new-tokens 4 --output FOLDER "
        f"{MODEL}",
        result=tables,
    ),
    Command(
        name="train-drafter",
        arguments=f"eagle2 --answers regenerate --limit 4 --epochs 1 --draft-vocab-size 64 --output FOLDER {MODEL}",
        result=files("model.safetensors"),
    ),
    Command(
        name="import-drafter",
        arguments=f"SCENE/published --output FOLDER {MODEL}",
        result=files("model.safetensors"),
    ),
    Command(
        name="train-student",
        arguments="uniform_rationales --questions 4 --dev-questions 2 --questions-per-step 2 --gradient-tokens 900 "
        f"--evaluations 1 --max-length 4096 --output FOLDER {MODEL}",
        result=files("model.safetensors"),
    ),
    Command(
        name="tune",
        arguments="SCENE/tiny --decoders prompt_lookup --layout transformers --temperature 0 --device cpu "
        "--output FOLDER",
        result=tuned,
    ),
    Command(
        name="certify",
        arguments="prompt_lookup --limit 2 --max-new-tokens 6 --tokens 20 --draws 1000 --sequences 1000 "
        f"--temperature 1 --output FOLDER {MODEL}",
        result=certified,
    ),
    Command(
        name="synthesize",
        arguments="--per-family 2 --limit 4 --output FOLDER/corpus.jsonl",
        result=files("corpus.jsonl"),
    ),
    Command(
        name="reproduce",
        arguments="--profile SCENE/matrix.yaml --output FOLDER --executor in-process --device cpu",
        result=tables,
    ),
    Command(name="report", arguments="FOLDER", before="done", result=tables),
    Command(name="rescore", arguments="FOLDER", before="done", result=stored),
    Command(name="ls", arguments="FOLDER", before="done", result=stored),
    Command(name="compare", arguments="RECORD OTHER", before="done", result=stored),
    Command(name="show", arguments="RECORD --model SCENE/tiny --rounds", before="done", result=stored),
    Command(
        name="analyse-latent",
        arguments="--base SCENE/tiny --student same=SCENE/tiny --encoder SCENE/encoder --corpus SCENE/corpus.jsonl "
        "--questions 4 --output FOLDER",
        result=files("similarity.csv"),
    ),
    Command(
        name="run",
        arguments="SCENE/matrix.yaml --output FOLDER --executor in-process --device cpu",
        result=tables,
    ),
    Command(name="status", arguments="FOLDER", before="done", result=stored),
    Command(name="verify", arguments="FOLDER", before="done", result=stored),
    Command(name="upgrade", arguments="FOLDER", before="old", result=stored),
    Command(name="gc", arguments="FOLDER --delete", before="done", result=stored),
    Command(
        name="export",
        arguments="kernel topk_logprobs --output FOLDER",
        result=files("metadata.json", "triton.py"),
    ),
    Command(
        name="push",
        arguments="SCENE/student somebody/student --mirror FOLDER",
        result=files("README.md", "model.safetensors"),
    ),
    Command(
        name="lm-eval",
        arguments="run --model offbook --model_args pretrained=SCENE/tiny --tasks offbook_qa --limit 1 "
        "--gen_kwargs max_gen_toks=4 --output_path FOLDER --device cpu",
        result=results,
    ),
    Command(name="work", arguments="FOLDER KEY --device cpu", before="planned", result=stored),
)


def prepared(scene: Path, chosen: Sequence[Command]) -> Path:
    """Makes what these commands are given."""
    scene.mkdir()
    cells = [Cell(record=record, rows=tuple(rows)) for number in (0, 1) for record, rows in entries(number)]  # type: ignore[arg-type]
    schema_1(scene / "old", cells, [Exam(exam_record(), tuple(ROWS))])
    if any(command.loads for command in chosen):
        _models(scene)
    return scene


def _models(scene: Path) -> None:
    """A model, a draft model for it, an encoder, a corpus, a matrix, a run of it, and one that is only planned."""
    file = scene / "matrix.yaml"
    content = {
        "schema_version": 2,
        "description": "two decoders on one suite",
        "models": {str(save_tiny(scene / "tiny")): {}},
        "decoders": {"autoregressive": {}, "prompt_lookup": {}},
        "suites": {"qa": {"max_new_tokens": 4, "limit": 1}},
    }
    file.write_text(yaml.safe_dump(content))
    save_published(scene / "published")
    save_student(scene / "student")
    encoder = tiny_encoder()
    encoder.model.save_pretrained(scene / "encoder")
    encoder.tokenizer.save_pretrained(scene / "encoder")
    save_corpus(scene / "corpus.jsonl", mind_corpus())
    status, _, err = told("run", str(file), "--output", str(scene / "done"), "--executor", "in-process")
    assert status == 0, err
    (scene / "planned").mkdir()
    plan(load_config(file, Matrix)).write(scene / "planned")
