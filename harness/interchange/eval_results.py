"""An exam's scores as `.eval_results/*.yaml`, which the Hugging Face hub shows beside a benchmark's leaderboard.

    .eval_results/gsm8k.yaml    - dataset: {id: openai/gsm8k, task_id: gsm8k, revision: ...}
                                  value: 41.2        in percent
                                  date: "2026-11-30"
                                  notes: how it was asked

The form is that of https://huggingface.co/docs/hub/eval-results, written and read by `huggingface_hub`. The hub
shows what is said of data sets that are benchmarks there, GPQA and GSM8K among offbook's. A score stands in such a list
beside others of all questions, so one over some of them (a limit, or a dev subset) is left out and named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml
from huggingface_hub import EvalResultEntry, constants, eval_result_entries_to_yaml

from offbook.harness.records.exam import Exam, SuiteSpec

if TYPE_CHECKING:
    from offbook.tasks.source import Source


@dataclass(frozen=True, kw_only=True)
class EvalResults:
    """What the hub is told of one exam.

    Attributes:
        files: text by name.
        left: why a suite is not among them, by its name.
    """

    files: Mapping[str, str]
    left: Mapping[str, str]


def benchmarks() -> dict[str, tuple[str, "Source"]]:
    """Suites that are benchmarks on the hub: the task's id there, and the data set at the commit that is asked here."""
    from offbook.tasks.gpqa_diamond.utils import SOURCE as GPQA
    from offbook.tasks.gsm8k.utils import SOURCE as GSM8K

    return {"offbook_gpqa_diamond": ("gpqa_diamond", GPQA), "offbook_gsm8k": ("gsm8k", GSM8K)}


def eval_results(exam: Exam) -> EvalResults:
    """The files of one exam, a suite each, and what was left out."""
    known = benchmarks()
    files: dict[str, str] = {}
    left: dict[str, str] = {}
    for suite in exam.record.spec.suites:
        if suite.name not in known:
            left[suite.name] = "no benchmark of the hub's"
            continue
        task, source = known[suite.name]
        if suite.n_docs < source.size:
            left[suite.name] = f"{suite.n_docs:,} of {source.size:,} questions"
            continue
        entry = _entry(exam, suite, task, source)
        text = yaml.safe_dump(eval_result_entries_to_yaml([entry]), sort_keys=False, allow_unicode=True)
        files[f"{constants.EVAL_RESULTS_FOLDER}/{task}.yaml"] = text
    return EvalResults(files=files, left=left)


def _entry(exam: Exam, suite: SuiteSpec, task: str, source: "Source") -> EvalResultEntry:
    scores = [row.score for row in exam.rows if row.suite == suite.name]
    spec, manifest = exam.record.spec, exam.record.manifest
    packages = manifest.get("packages")
    scorer = packages.get("lm-eval") if isinstance(packages, dict) else None
    cap = "the suite's own cap of" if spec.max_new_tokens is None else f"at most {spec.max_new_tokens}"
    asked = "rendered in the model's chat template" if spec.chat_template else "without a chat template"
    return EvalResultEntry(
        dataset_id=source.repository,
        task_id=task,
        dataset_revision=source.revision,
        value=round(100 * sum(scores) / len(scores), 2),
        date=f"{exam.record.finished_utc:%Y-%m-%d}",
        notes=f"zero-shot, greedy, {asked}, {cap} new tokens; offbook "
        f"{manifest.get('offbook')} with lm-eval {scorer}, record {exam.record.key[:12]}",
    )
