"""`.eval_results`: the hub's own library reads them, and a part of a benchmark is never shown as all of it."""

import yaml
from huggingface_hub import parse_eval_result_entries

from offbook.harness.interchange.eval_results import benchmarks, eval_results
from offbook.harness.records.exam import Exam
from tests.harness.interchange.committed import an_exam, committed
from tests.harness.tables.exams import exam

GPQA = "offbook_gpqa_diamond"


def sat(right: int, of: int) -> Exam:
    return exam(scores={GPQA: [1.0] * right + [0.0] * (of - right), "sums": [1.0, 0.0]})


def test_a_whole_benchmark_is_told_as_the_hub_reads_it():
    found = eval_results(sat(99, 198))
    (name,) = found.files
    assert name == ".eval_results/gpqa_diamond.yaml"
    (entry,) = parse_eval_result_entries(yaml.safe_load(found.files[name]))
    _, source = benchmarks()[GPQA]
    assert (entry.dataset_id, entry.task_id) == ("Idavidrein/gpqa", "gpqa_diamond")
    assert entry.dataset_revision == source.revision
    assert (entry.value, entry.date) == (50.0, "2026-01-02")
    assert entry.notes is not None
    assert entry.notes.startswith("zero-shot, greedy, rendered in the model's chat template, at most 64 new tokens")
    assert found.left == {"sums": "no benchmark of the hub's"}


def test_some_of_the_questions_are_no_result_and_are_named():
    found = eval_results(sat(5, 10))
    assert not found.files
    assert found.left[GPQA] == "10 of 198 questions"


def test_no_committed_exam_claims_a_benchmark_that_it_did_not_sit():
    for one in committed():
        if isinstance(one, Exam):
            found = eval_results(one)
            sizes = {suite.name: suite.n_docs for suite in one.record.spec.suites}
            whole = {name for name, (_, source) in benchmarks().items() if sizes.get(name, 0) >= source.size}
            assert len(found.files) == len(whole)
            assert set(found.left) == set(sizes) - whole
    assert eval_results(an_exam()).left


def test_suites_of_the_table_are_offbooks_and_their_data_sets_the_ones_that_are_asked():
    from offbook.harness.suites.suite import PREFIX, suite_names

    known = benchmarks()
    assert {name.removeprefix(PREFIX) for name in known} <= set(suite_names())
    assert {source.repository for _, source in known.values()} == {"Idavidrein/gpqa", "openai/gsm8k"}
