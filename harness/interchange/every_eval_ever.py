"""Records as every_eval_ever 0.3.0 has them, the common language of evaluation reports (evalevalai.com).

    <folder>/data/offbook/<developer>/<model>/<uuid>.json             one record: every suite of an exam, or a cell's
    <folder>/data/offbook/<developer>/<model>/<uuid>_samples.jsonl    its answers, where all its suites are at hand

The folder can be given to `every_eval_ever validate` as it is. Names are made of the record's key, so that the same
record is the same file each time. A score is a share from 0 to 1; what else the same answers say (acceptance length,
tokens a second, the certificate's verdict) stands beside it in `details`. Suites whose scores are no shares are left
out.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from offbook.engine.decoding import metrics
from offbook.engine.files import atomic_files, atomic_write_text
from offbook.harness.interchange.every_eval_ever_samples import samples_of
from offbook.harness.interchange.every_eval_ever_schema import (
    ConfidenceInterval,
    DetailedResults,
    Engine,
    EvaluationLog,
    EvaluationResult,
    GenerationArgs,
    GenerationConfig,
    Library,
    MetricConfig,
    ModelDetails,
    ModelInfo,
    ScoreDetails,
    SourceData,
    SourceMetadata,
    Uncertainty,
)
from offbook.harness.interchange.hub_names import hub_id
from offbook.harness.interchange.lm_eval_results import Answered, answered
from offbook.harness.interchange.stored import Documents
from offbook.harness.records.accuracy import is_accuracy
from offbook.harness.records.cell import Cell
from offbook.harness.records.exam import Exam

COLLECTION = "offbook"
OWN, UNKNOWN = "offbook", "unknown"  # developers: of students trained here, and of folders that say nothing
METHOD = "Wilson's or Student's over clusters of like documents (harness/statistics/crossed.py)"
PORTABLE = re.compile(r"[^A-Za-z0-9._-]+")


def write_every_eval_ever(
    held: Sequence[Cell | Exam], documents: Documents, folder: Path, *, organisation: str = UNKNOWN
) -> list[str]:
    """Writes all files, and returns their names.

    Args:
        held: the records.
        documents: of their suites, for the samples.
        folder: where `data/` goes.
        organisation: who reports them.

    Raises:
        ValueError: not one suite has a score that is a share.
        OSError: a file cannot be written; it names the path.
    """
    texts: dict[str, str] = {}
    for one in held:
        suites = {suite.suite: metric for suite in answered(one) if (metric := _metric(one, suite)) is not None}
        if not suites:
            continue
        log = _log(one, suites, organisation)
        place = "/".join(("data", COLLECTION, *map(_portable, log.model_info.id.split("/")), _uuid(one.record.key)))
        samples = samples_of(one, suites, documents, evaluation_id=log.evaluation_id, model_id=log.model_info.id)
        if samples:
            lines = "".join(sample.model_dump_json(exclude_none=True) + "\n" for sample in samples)
            checksum = hashlib.sha256(lines.encode()).hexdigest()
            path = f"{place}_samples.jsonl"
            detail = DetailedResults(file_path=path, checksum=checksum, total_rows=len(samples))
            log = log.model_copy(update={"detailed_evaluation_results": detail})
            texts[path] = lines
        texts[f"{place}.json"] = log.model_dump_json(exclude_none=True, indent=2) + "\n"
    if not texts:
        msg = "expected a suite whose score is a share from 0 to 1, found none; there is nothing to report"
        raise ValueError(msg)
    with atomic_files(folder) as temporary:
        for name, text in texts.items():
            atomic_write_text(temporary / name, text)
    return sorted(texts)


def _log(one: Cell | Exam, suites: Mapping[str, str], organisation: str) -> EvaluationLog:
    record = one.record
    began, ended = record.started_utc.timestamp(), record.finished_utc.timestamp()
    model = _model(one)
    version = str(record.manifest.get("offbook", UNKNOWN))
    packages = record.manifest.get("packages")
    lm_eval = packages.get("lm-eval") if isinstance(packages, dict) else None
    return EvaluationLog(
        evaluation_id=f"{COLLECTION}/{model.id}/{record.key[:16]}",
        evaluation_timestamp=str(int(began)),
        retrieved_timestamp=str(ended),
        source_metadata=SourceMetadata(
            source_name="offbook",
            source_type="evaluation_run",
            source_organization_name=organisation,
            evaluator_relationship="third_party" if record.spec.student.untouched else "first_party",
            additional_details={"record": record.key, "record_sha256": record.sha256},
        ),
        eval_library=Library(name="lm_eval", version=str(lm_eval or UNKNOWN), additional_details={"offbook": version}),
        model_info=model,
        evaluation_results=[
            _result(one, suite, suites[suite.suite]) for suite in answered(one) if suite.suite in suites
        ],
    )


def _model(one: Cell | Exam) -> ModelInfo:
    spec, student = one.record.spec, one.record.spec.student
    base = hub_id(spec.model) or f"{UNKNOWN}/{_portable(spec.model)}"
    own = f"{OWN}/{_portable(f'{spec.model}-{student.name}-s{student.seed}')}"
    identity = base if student.untouched else own
    version = str(one.record.manifest.get("offbook", UNKNOWN))
    trained = not student.untouched
    return ModelInfo(
        name=spec.model if student.untouched else f"{spec.model}, {student.name}, seed {student.seed}",
        id=identity,
        developer=identity.partition("/")[0],
        inference_engine=Engine(name="offbook", version=version),
        additional_details=ModelDetails(
            deployment_type="self_deployed",
            model_availability="unknown" if trained or hub_id(spec.model) is None else "open_weights",
            weights_sha256=spec.weights_sha256,
            number_format=spec.dtype,
            layout=spec.layout,
            base_model=base if trained else None,
            trained_by=student.method if trained else None,
            training_seed=str(student.seed) if trained else None,
            training=json.dumps(student.training, sort_keys=True) if trained else None,
        ),
    )


def _result(one: Cell | Exam, suite: Answered, metric: str) -> EvaluationResult:
    values = [of[metric] for of in suite.scores]
    interval = suite.interval(metric)
    found = None if interval is None else ConfidenceInterval(lower=interval[0], upper=interval[1], method=METHOD)
    accuracy = is_accuracy(metric)
    identity = "accuracy" if accuracy else f"offbook.{metric}"
    return EvaluationResult(
        evaluation_result_id=f"{suite.suite}.{metric}",
        evaluation_name=suite.suite,
        source_data=SourceData(
            dataset_name=suite.suite, source_id=suite.fingerprint, source_version=suite.fingerprint[:12]
        ),
        evaluation_timestamp=str(int(one.record.started_utc.timestamp())),
        metric_config=MetricConfig(
            evaluation_description=f"mean {metric} over the documents of {suite.suite}",
            metric_id=identity,
            metric_name=metric,
            metric_kind="accuracy" if accuracy else metric.partition(",")[0],
        ),
        score_details=ScoreDetails(
            score=sum(values) / len(values),
            details=_beside(one, suite),
            uncertainty=Uncertainty(confidence_interval=found, num_samples=len(values)),
        ),
        generation_config=_generation(one),
    )


def _beside(one: Cell | Exam, suite: Answered) -> dict[str, str]:
    """What else the same answers say."""
    if isinstance(one, Exam):
        rows = [row for row in one.rows if row.suite == suite.suite]
        return {"finished": f"{sum(row.finished for row in rows) / len(rows):.4f}"}
    certificate = one.record.certificate
    return {
        "finished": f"{metrics.finished(one.generations):.4f}",
        "acceptance_length": f"{metrics.acceptance_length(one.generations):.4f}",
        "tokens_per_second": f"{metrics.tokens_per_second(one.generations):.4f}",
        "losslessness": certificate.verdict,
        "losslessness_test": certificate.kind,
        "heat": one.record.heat_id,
    }


def _generation(one: Cell | Exam) -> GenerationConfig:
    if isinstance(one, Exam):
        exam = one.record.spec
        return GenerationConfig(
            generation_args=GenerationArgs(temperature=0.0, max_tokens=exam.max_new_tokens),
            additional_details={"batch_size": str(exam.batch_size), "chat_template": json.dumps(exam.chat_template)},
        )
    spec = one.record.spec
    return GenerationConfig(
        generation_args=GenerationArgs(
            temperature=spec.temperature,
            top_p=spec.top_p if spec.top_p < 1 else None,
            top_k=spec.top_k or None,
            max_tokens=spec.limits.max_new_tokens,
        ),
        additional_details={
            "decoder": spec.decoder,
            "decoder_options": json.dumps(spec.decoder_config, sort_keys=True),
            "seed": str(spec.seed),
            "chat_template": json.dumps(spec.chat_template),
            "stop_strings": json.dumps([*spec.limits.stop_strings]),
        },
    )


def _metric(one: Cell | Exam, suite: Answered) -> str | None:
    """The metric that stands for a suite, where it is a share of every answer."""
    metric = one.record.metric if isinstance(one, Cell) else one.record.metrics[suite.suite]
    return metric if all(0 <= of[metric] <= 1 for of in suite.scores) else None


def _uuid(key: str) -> str:
    """The record's own, a UUID of version 4 by its bits."""
    return str(uuid.UUID(bytes=bytes.fromhex(key[:32]), version=4))


def _portable(name: str) -> str:
    """A name that every file system takes."""
    return PORTABLE.sub("_", name).strip("._") or UNKNOWN
