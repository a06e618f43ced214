"""Records as lm-eval's own results and samples, for whatever reads those.

    <folder>/<model>/<record>/results_<time>.json             one file a record
    <folder>/<model>/<record>/samples_<suite>_<time>.jsonl    one a suite, a line a document

The fields are those of lm-eval 0.4.13 (`lm_eval/result_schema.py`, written by `loggers/evaluation_tracker.py`):
`make_table` prints them, converters of other projects read them. What lm-eval has no field for stands under names that
begin with `offbook_`. A suite's version is the beginning of its fingerprint here, which changes with its documents.
`*_stderr` is lm-eval's own, over documents; `offbook_interval` is the tables', over clusters of like ones.

Records hold hashes of documents and no documents. Where a suite is at hand, its documents are filled in, with prompts
as they are without a chat template; where it is not, `doc` and `arguments` are empty, and everything else is there.
"""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lm_eval.utils import handle_non_serializable, hash_string, sanitize_model_name
from pydantic import JsonValue

from offbook.engine.decoding import metrics
from offbook.engine.files import atomic_files, atomic_write_text
from offbook.harness.interchange.stored import AskedDocument, Documents
from offbook.harness.records.cell import Cell
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.exam import AnswerRow, Exam
from offbook.harness.records.manifest import machine_line
from offbook.harness.records.record import stem
from offbook.harness.statistics.clusters import cluster_name
from offbook.harness.statistics.crossed import accuracy_interval

SOURCE = "offbook"  # lm-eval's name of offbook's model
FEWSHOT_SEED = 1234  # lm-eval's own


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What a record has of one suite.

    Attributes:
        suite: its name.
        fingerprint: of what it asks.
        rows: its answers, by document.
        scores: of each, by metric.
        generation: settings of the answers, by lm-eval's names.
    """

    suite: str
    fingerprint: str
    rows: Sequence[DocumentRow | AnswerRow]
    scores: Sequence[Mapping[str, float]]
    generation: Mapping[str, JsonValue]

    @property
    def metrics(self) -> list[str]:
        """Those that every document has."""
        return [name for name in self.scores[0] if all(name in of for of in self.scores)]

    def interval(self, metric: str) -> list[float] | None:
        """95 % over clusters of like documents; None where there can be none."""
        values = np.array([[of[metric]] for of in self.scores], dtype=np.float64)
        clusters = [cluster_name(self.suite, row.doc_id, row.cluster) for row in self.rows]
        found = accuracy_interval(values, clusters)
        return None if found is None else [*found]


def write_lm_eval(held: Sequence[Cell | Exam], documents: Documents, folder: Path) -> list[str]:
    """Writes all files, and returns their names.

    Raises:
        OSError: one cannot be written; it names the path.
    """
    texts: dict[str, str] = {}
    for one in held:
        record = one.record
        time = record.finished_utc.replace(tzinfo=None).isoformat().replace(":", "-")
        place = f"{sanitize_model_name(record.spec.model)}/{stem(record)}"
        samples = {suite.suite: _samples(suite, documents) for suite in answered(one)}
        results = {**results_of(one), "task_hashes": {suite: _hash(of) for suite, of in samples.items()}}
        texts[f"{place}/results_{time}.json"] = _dumped(results, indent=2) + "\n"
        for suite, of in samples.items():
            name = sanitize_model_name(suite)
            texts[f"{place}/samples_{name}_{time}.jsonl"] = "".join(_dumped(sample) + "\n" for sample in of)
    with atomic_files(folder) as temporary:
        for name, text in texts.items():
            atomic_write_text(temporary / name, text)
    return sorted(texts)


def answered(one: Cell | Exam) -> list[Answered]:
    """The suites of a record with their answers."""
    if isinstance(one, Cell):
        spec = one.record.spec
        generation: dict[str, JsonValue] = {
            "do_sample": spec.temperature > 0,
            "temperature": spec.temperature,
            "top_k": spec.top_k,
            "top_p": spec.top_p,
            "max_gen_toks": spec.limits.max_new_tokens,
            "until": [*spec.limits.stop_strings],
        }
        scores = [row.scores for row in one.rows]
        return [
            Answered(
                suite=spec.suite,
                fingerprint=spec.suite_fingerprint,
                rows=one.rows,
                scores=scores,
                generation=generation,
            )
        ]
    found = []
    for suite in one.record.spec.suites:
        rows = [row for row in one.rows if row.suite == suite.name]
        metric = one.record.metrics[suite.name]
        found.append(
            Answered(
                suite=suite.name,
                fingerprint=suite.fingerprint,
                rows=rows,
                scores=[{metric: row.score} for row in rows],
                generation={"do_sample": False, "max_gen_toks": one.record.spec.max_new_tokens},
            )
        )
    return found


def results_of(one: Cell | Exam) -> dict[str, Any]:
    """lm-eval's results of one record, without its samples."""
    record, suites = one.record, answered(one)
    packages, git = _part(record.manifest, "packages"), _part(record.manifest, "git")
    return {
        "results": {suite.suite: _metrics(suite) for suite in suites},
        "group_subtasks": {suite.suite: [] for suite in suites},
        "configs": {suite.suite: _config(suite) for suite in suites},
        "versions": {suite.suite: suite.fingerprint[:12] for suite in suites},
        "n-shot": {suite.suite: 0 for suite in suites},
        "higher_is_better": {suite.suite: {name.partition(",")[0]: True for name in suite.metrics} for suite in suites},
        "n-samples": {suite.suite: {"effective": len(suite.rows)} for suite in suites},
        "config": _of_the_run(one),
        "git_hash": git.get("commit"),
        "date": record.started_utc.timestamp(),
        "pretty_env_info": machine_line(record.manifest),
        "transformers_version": packages.get("transformers"),
        "lm_eval_version": packages.get("lm-eval"),
        "upper_git_hash": None,
        "model_source": SOURCE,
        "model_name": record.spec.model,
        "model_name_sanitized": str(sanitize_model_name(record.spec.model)),
        "system_instruction": None,
        "system_instruction_sha": None,
        "fewshot_as_multiturn": record.spec.chat_template,
        "chat_template": None,
        "chat_template_sha": None,
        "total_evaluation_time_seconds": str(record.wall_s),
        "offbook_record": record.key,
    }


def _of_the_run(one: Cell | Exam) -> dict[str, Any]:
    """lm-eval's `config`: the model, how it was run, and what of offbook's lm-eval's own model tells there too."""
    spec = one.record.spec
    arguments: dict[str, Any] = {"pretrained": spec.model, "dtype": spec.dtype}
    own: dict[str, Any] = {"offbook_layout": spec.layout, "offbook_student": spec.student.model_dump(mode="json")}
    seed, batch, limit = 0, 1, 0
    if isinstance(one, Cell):
        cell = one.record.spec
        seed, limit = cell.seed, cell.n_docs
        arguments |= {"decoder": cell.decoder, **cell.decoder_config}
        own |= {
            "offbook_decoder": cell.decoder,
            "offbook_decoder_options": dict(cell.decoder_config),
            "offbook_acceptance_length": metrics.acceptance_length(one.generations),
            "offbook_tokens_per_second": metrics.tokens_per_second(one.generations),
            "offbook_certificate": one.record.certificate.model_dump(mode="json", exclude={"detail"}),
        }
    else:
        batch, limit = one.record.spec.batch_size, max(suite.n_docs for suite in one.record.spec.suites)
    return {
        "model": SOURCE,
        "model_args": arguments,
        "model_dtype": spec.dtype,
        "model_revision": spec.revision or "main",
        "model_sha": spec.weights_sha256,
        **own,
        "batch_size": str(batch),
        "batch_sizes": [],
        "device": "cpu" if one.record.manifest.get("gpu") is None else "cuda",
        "use_cache": None,
        "limit": float(limit),
        "bootstrap_iters": 0,
        "gen_kwargs": None,
        **dict.fromkeys(("random_seed", "numpy_seed", "torch_seed"), seed),
        "fewshot_seed": FEWSHOT_SEED,
    }


def _metrics(suite: Answered) -> dict[str, Any]:
    found: dict[str, Any] = {"name": suite.suite, "alias": suite.suite, "sample_len": len(suite.rows)}
    for metric in suite.metrics:
        values = [of[metric] for of in suite.scores]
        name, _, filter_ = metric.partition(",")
        filter_ = filter_ or "none"
        error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else "N/A"
        found |= {f"{name},{filter_}": sum(values) / len(values), f"{name}_stderr,{filter_}": error}
    return found


def _config(suite: Answered) -> dict[str, Any]:
    return {
        "task": suite.suite,
        "output_type": "generate_until",
        "num_fewshot": 0,
        "generation_kwargs": dict(suite.generation),
        "metadata": {"version": suite.fingerprint[:12]},
        "offbook_interval": {metric: suite.interval(metric) for metric in suite.metrics},
    }


def _samples(suite: Answered, documents: Documents) -> list[dict[str, Any]]:
    found = documents(suite.suite, {row.doc_id: row.doc_hash for row in suite.rows})
    return [
        _sample(suite, row, scores, found.get(row.doc_id)) for row, scores in zip(suite.rows, suite.scores, strict=True)
    ]


def _sample(
    suite: Answered, row: DocumentRow | AnswerRow, scores: Mapping[str, float], document: AskedDocument | None
) -> dict[str, Any]:
    asked = {} if document is None else {"gen_args_0": {"arg_0": document.prompt, "arg_1": dict(suite.generation)}}
    target = "" if document is None else document.target
    return {
        "doc_id": row.doc_id,
        "doc": {} if document is None else dict(document.doc),
        "target": target,
        "arguments": asked,
        "resps": [[row.text]],
        "filtered_resps": [row.text],
        "filter": "none",
        "metrics": [*scores],
        "doc_hash": row.doc_hash,
        "prompt_hash": "" if document is None else str(hash_string(document.prompt)),
        "target_hash": "" if document is None else str(hash_string(target)),
        **scores,
        **_account(row),
    }


def _account(row: DocumentRow | AnswerRow) -> dict[str, float]:
    """What the answer took, as numbers."""
    if isinstance(row, AnswerRow):
        return {"offbook_new_tokens": float(row.tokens), "offbook_finished": float(row.finished)}
    return {
        "offbook_new_tokens": float(len(row.tokens)),
        "offbook_finished": float(row.finish_reason != "length"),
        "offbook_rounds": float(len(row.rounds)),
        "offbook_drafted": float(sum(drafted for drafted, *_ in row.rounds)),
        "offbook_accepted": float(sum(accepted for _, _, accepted, _ in row.rounds)),
        "offbook_wall_s": row.prefill_s + row.decode_s,
    }


def _hash(samples: Sequence[Mapping[str, Any]]) -> str:
    """As lm-eval hashes what a task asked."""
    return str(hash_string("".join(s["doc_hash"] + s["prompt_hash"] + s["target_hash"] for s in samples)))


def _dumped(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, default=handle_non_serializable, ensure_ascii=False, allow_nan=False)


def _part(manifest: Mapping[str, JsonValue], name: str) -> Mapping[str, JsonValue]:
    found = manifest.get(name)
    return found if isinstance(found, dict) else {}
