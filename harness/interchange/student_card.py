"""What the card of a student says: from `distillation.json`, and from exams and heats of these very weights."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from offbook.engine.model_identity import model_identity
from offbook.engine.resuming.seal import broken
from offbook.engine.text import read_json
from offbook.harness.interchange.certified import Certified, found_in_heats
from offbook.harness.interchange.eval_results import benchmarks, eval_results
from offbook.harness.interchange.hub_names import LICENCES, hub_id
from offbook.harness.interchange.model_card import CardContent, certificates
from offbook.harness.records.accuracy import is_accuracy
from offbook.harness.records.cell import Cell
from offbook.harness.records.exam import Exam
from offbook.harness.records.manifest import machine_line
from offbook.harness.roster.trained_on import RECORD
from offbook.harness.tables.columns import EVERYWHERE, Table, pick, to_markdown
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.markdown import escape
from offbook.harness.tables.settings_in_words import in_words
from offbook.harness.tables.students import students_table
from offbook.harness.tables.students_columns import COLUMNS

SHOWN = ("model", "label", "group", "seeds", "n_items", "accuracy", "finished", "change", "gradient_tokens")


def told_of_student(folder: Path, held: Sequence[Cell | Exam], certificate: Certified | None) -> CardContent:
    """See `model_card.card_files`.

    Raises:
        ValueError: a damaged student, or a certificate of another model.
    """
    record = _record(folder)
    weights = model_identity(str(folder)).weights_sha256
    if certificate is not None:
        certificate.check("weights_sha256", weights, folder)
    every = [one for one in held if isinstance(one, Exam)]
    mine = [one for one in held if one.record.spec.weights_sha256 == weights]
    cells = [one for one in mine if isinstance(one, Cell)]
    model = next((one.record.spec.model for one in mine), None)
    exams = [one for one in mine if isinstance(one, Exam)]
    latest = max(exams, key=lambda exam: exam.record.finished_utc, default=None)
    results = None if latest is None else eval_results(latest)
    method = record["method"]
    seed = record["config"].get("seed", 0)
    of = f"a student of {model}" if model else "a student"
    return CardContent(
        data=_data(folder.resolve().name, method, model, latest),
        title=f"{method}, seed {seed}: {of}",
        about=_about(method, model, record),
        training=_training(record),
        measured=_measured(every, latest, {} if results is None else results.left),
        certified=certificates(certificate, found_in_heats(cells)),
        use=_use(),
        files={} if results is None else results.files,
    )


def _record(folder: Path) -> Mapping[str, Any]:
    found = read_json(folder / RECORD, what="a student's record", remedy="train it anew")
    problem = broken(folder / RECORD)
    if problem is None and not (isinstance(found.get("method"), str) and isinstance(found.get("config"), dict)):
        problem = f"no method or no settings in {RECORD}"
    if problem is not None:
        msg = f"{folder}: expected a student as it was written, got another: {problem}; train it anew"
        raise ValueError(msg)
    record: Mapping[str, Any] = found
    return record


def _data(name: str, method: str, model: str | None, exam: Exam | None) -> ModelCardData:
    base = None if model is None else hub_id(model)
    scores = [] if exam is None else _scores(exam)
    return ModelCardData(
        base_model=base,
        library_name="transformers",
        license=None if model is None else LICENCES.get(model),
        pipeline_tag="text-generation",
        tags=["offbook", "distillation", method],
        model_name=name if scores else None,
        eval_results=scores or None,
    )


def _scores(exam: Exam) -> list[EvalResult]:
    """Every suite's score for the hub's index of models."""
    known = benchmarks()
    found = []
    for suite in exam.record.spec.suites:
        metric = exam.record.metrics[suite.name]
        scores = [row.score for row in exam.rows if row.suite == suite.name]
        source = known[suite.name][1].repository if suite.name in known else f"offbook/{suite.name}"
        found.append(
            EvalResult(
                task_type="text-generation",
                dataset_type=source,
                dataset_name=suite.name,
                metric_type="accuracy" if is_accuracy(metric) else metric,
                metric_name=f"{metric}, {len(scores)} questions",
                metric_value=round(sum(scores) / len(scores), 4),
            )
        )
    return found


def _about(method: str, model: str | None, record: Mapping[str, Any]) -> str:
    from offbook.harness.roster.distillers import distillers

    known = distillers().get(method)
    weights = str(record.get("identity", {}).get("model", "unknown"))[:12]
    base = f"`{model}`" if model else f"The model with weights {weights}"
    how = f" ({escape(known.summary)})" if known is not None else ""
    return (
        f"{base} trained by the method `{method}`{how}. All its weights are here, and it is a model like any other: "
        "transformers loads it."
    )


def _training(record: Mapping[str, Any]) -> dict[str, object]:
    identity, config = record.get("identity", {}), record["config"]
    wanted = {
        "Base model (weights)": str(identity.get("model", "unknown"))[:12],
        "Corpus": str(identity.get("corpus", "unknown"))[:12],
        "Settings of the method": _settings(record.get("options", {})),
        "Settings of the training": _settings(config),
        "Gradient tokens": record.get("gradient_tokens"),
        "Kept at": record.get("kept_tokens"),
        "Steps": record.get("steps"),
        "Distinct responses": record.get("distinct_sequences"),
        "Mixed precision": record.get("mixed_precision"),
        "Stored in": record.get("saved_dtype"),
        "Seconds": None if record.get("wall_s") is None else round(record["wall_s"]),
        "Machine": machine_line(record["machine"]) if record.get("machine") else None,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _settings(settings: Mapping[str, Any]) -> str:
    return in_words(dict(sorted(settings.items()))) or "the defaults"


def _measured(every: Sequence[Exam], exam: Exam | None, left: Mapping[str, str]) -> list[str]:
    """The rows of the board's table that these weights are part of."""
    if exam is None:
        return ["Among the records that were given is no exam of these weights."]
    table = students_table(every)
    mine = table["student_setting"] == exam.record.spec.student.setting()
    rows = table[mine & (table["suite"] == ALL_SUITES)]
    columns = tuple(replace(column, shown_in=EVERYWHERE) for column in pick(COLUMNS, *SHOWN))
    told = [
        to_markdown(Table(columns=columns, rows=rows)),
        f"Percent right with 95 % intervals over groups of like questions, and over seeds where there are several; "
        f"these weights are of seed {exam.record.spec.student.seed}. The exam is record {exam.record.key[:12]}, on "
        f"{escape(machine_line(exam.record.manifest))}.",
    ]
    if left:
        named = "; ".join(f"{name}: {reason}" for name, reason in sorted(left.items()))
        told.append(f"Not told to the hub's leaderboards: {escape(named)}.")
    return told


def _use() -> list[str]:
    return [
        "```python\n"
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
        'model = AutoModelForCausalLM.from_pretrained("FOLDER")  # or the name of this repository\n'
        'tokenizer = AutoTokenizer.from_pretrained("FOLDER")\n'
        "```",
        "or, with a decoder that says the same text sooner:",
        '```\noffbook generate "Why is the sky blue?" --model FOLDER --decoder prompt_lookup\n```',
    ]
