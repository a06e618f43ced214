"""The answers of a record as every_eval_ever's samples: what was asked, what was said, what it was worth and took."""

import hashlib
import json
from collections.abc import Mapping

from offbook.harness.interchange.every_eval_ever_schema import (
    Attribution,
    Performance,
    Sample,
    SampleInput,
    SampleOutput,
    SampleScore,
    TokenUsage,
)
from offbook.harness.interchange.lm_eval_results import Answered, answered
from offbook.harness.interchange.stored import AskedDocument, Documents
from offbook.harness.records.cell import Cell
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.exam import AnswerRow, Exam


def samples_of(
    one: Cell | Exam, suites: Mapping[str, str], documents: Documents, *, evaluation_id: str, model_id: str
) -> list[Sample]:
    """All answers to these suites; none where the documents of one of them are not at hand.

    Args:
        one: the record.
        suites: the metric of each suite that is reported.
        documents: of the suites.
        evaluation_id: of the file that the samples belong to.
        model_id: of the model in it.
    """
    found: list[Sample] = []
    for suite in answered(one):
        if suite.suite not in suites:
            continue
        asked = documents(suite.suite, {row.doc_id: row.doc_hash for row in suite.rows})
        if len(asked) < len(suite.rows):
            return []
        for row, scores in zip(suite.rows, suite.scores, strict=True):
            metric = suites[suite.suite]
            found.append(_sample(suite, row, asked[row.doc_id], metric, scores[metric], evaluation_id, model_id))
    return found


def _sample(
    suite: Answered,
    row: DocumentRow | AnswerRow,
    document: AskedDocument,
    metric: str,
    score: float,
    evaluation_id: str,
    model_id: str,
) -> Sample:
    asked = SampleInput(raw=document.prompt, reference=[document.target])
    return Sample(
        evaluation_id=evaluation_id,
        model_id=model_id,
        evaluation_name=suite.suite,
        evaluation_result_id=f"{suite.suite}.{metric}",
        sample_id=f"{suite.suite}_{row.doc_id}",
        sample_hash=_hash(asked),
        input=asked,
        output=SampleOutput(raw=[row.text]),
        answer_attribution=[Attribution(extracted_value=row.text, extraction_method=f"lm-eval task {suite.suite}")],
        evaluation=SampleScore(score=score, is_correct=score == 1),
        token_usage=_tokens(row),
        performance=_performance(row),
        metadata=_metadata(row),
    )


def _hash(asked: SampleInput) -> str:
    """As every_eval_ever joins equal samples of several reports: canonical JSON of question and reference."""
    text = json.dumps({"raw": asked.raw, "reference": asked.reference}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _tokens(row: DocumentRow | AnswerRow) -> TokenUsage | None:
    """None of an exam's, which does not count the prompt's."""
    if isinstance(row, AnswerRow):
        return None
    new = len(row.tokens)
    return TokenUsage(input_tokens=row.prompt_tokens, output_tokens=new, total_tokens=row.prompt_tokens + new)


def _performance(row: DocumentRow | AnswerRow) -> Performance | None:
    if isinstance(row, AnswerRow):
        return None
    return Performance(
        latency_ms=1000 * (row.prefill_s + row.decode_s),
        time_to_first_token_ms=1000 * row.prefill_s,
        generation_time_ms=1000 * row.decode_s,
        additional_details={
            "rounds": str(len(row.rounds)),
            "drafted": str(sum(drafted for drafted, *_ in row.rounds)),
            "accepted": str(sum(accepted for _, _, accepted, _ in row.rounds)),
        },
    )


def _metadata(row: DocumentRow | AnswerRow) -> dict[str, str]:
    finished = row.finished if isinstance(row, AnswerRow) else row.finish_reason != "length"
    return {"doc_hash": row.doc_hash, "cluster": row.cluster, "finished": json.dumps(finished)}
