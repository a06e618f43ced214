"""The suites of published data sets: one definition, fed by the hub or by local files. All rows are written here."""

import csv
import dataclasses
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError
from lm_eval import simple_evaluate
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

from offbook.engine.students.corpus import ANSWER_LINE
from offbook.harness.cli.listing import listing
from offbook.harness.cli.main import main as command_line
from offbook.harness.suites.suite import find_suites
from offbook.tasks import TASKS_PATH
from offbook.tasks.arc_easy import utils as arc_easy
from offbook.tasks.commonsenseqa import utils as commonsenseqa
from offbook.tasks.gpqa_diamond import utils as gpqa_diamond
from offbook.tasks.gsm8k import utils as gsm8k
from offbook.tasks.lettered import split_options, with_options
from offbook.tasks.math500 import utils as math500
from offbook.tasks.openbookqa import utils as openbookqa
from offbook.tasks.published import SOURCES, unavailable
from offbook.tasks.source import SuiteUnavailableError, load, local_file, origin_of
from offbook.tasks.strategyqa import utils as strategyqa
from offbook.tasks.svamp import utils as svamp
from offbook.tasks.validate import main, validate_tasks

SUITES: dict[str, ModuleType] = {
    "gsm8k": gsm8k,
    "svamp": svamp,
    "math500": math500,
    "commonsenseqa": commonsenseqa,
    "strategyqa": strategyqa,
    "gpqa_diamond": gpqa_diamond,
    "arc_easy": arc_easy,
    "openbookqa": openbookqa,
}
GROUPS = {"id": ("math500", "gsm8k", "svamp"), "ood": ("commonsenseqa", "strategyqa", "gpqa_diamond")}

HUB = {  # one row of each, in the hub's schema, and the document it makes
    "gsm8k": (
        {"question": "Ada has 600 pins and buys 600. How many?", "answer": "600+600=<<600+600=1200>>1200.\n#### 1,200"},
        {"id": "gsm8k-test-0", "question": "Ada has 600 pins and buys 600. How many?", "answer": "1200"},
    ),
    "svamp": (
        {
            "ID": "chal-900",
            "Body": "Olga had 8 figs. She ate 3 ",
            "Question": "How many figs are left?",
            "Equation": "( 8.0 - 3.0 )",
            "Answer": "5.0",
            "Type": "Subtraction",
        },
        {"id": "svamp-chal-900", "question": "Olga had 8 figs. She ate 3. How many figs are left?", "answer": "5"},
    ),
    "math500": (
        {
            "problem": "What is half of $x+1$?",
            "solution": r"It is $\boxed{\frac{x+1}{2}}$.",
            "answer": r"\frac{x+1}{2}",
            "subject": "Algebra",
            "level": 1,
            "unique_id": "test/algebra/9.json",
        },
        {"id": "math500-algebra/9", "question": "What is half of $x+1$?", "answer": r"\frac{x+1}{2}"},
    ),
    "commonsenseqa": (
        {
            "id": "abc",
            "question": "Where does bread get brown?",
            "question_concept": "bread",
            "choices": {"label": list("ABCDE"), "text": ["lake", "toaster", "bag", "shop", "garden"]},
            "answerKey": "B",
        },
        {
            "id": "csqa-dev-abc",
            "question": "Where does bread get brown?",
            "answer": "B",
            "choices": ["lake", "toaster", "bag", "shop", "garden"],
        },
    ),
    "strategyqa": (
        {
            "qid": "0f",
            "term": "Snail",
            "description": "animal",
            "question": "Could a snail win a marathon?",
            "answer": False,
            "facts": ["Snails are slow."],
            "decomposition": ["How fast is a snail?"],
            "evidence": [[[["Snail-1"]], ["no_evidence"]], ["operation"]],
        },
        {"id": "strategyqa-0f", "question": "Could a snail win a marathon?", "answer": "no"},
    ),
    "gpqa_diamond": (
        {
            "Record ID": "rec7",
            "Question": "Which is lightest?\n",
            "Correct Answer": " electron\n",
            "Incorrect Answer 1": "proton",
            "Incorrect Answer 2": "neutron",
            "Incorrect Answer 3": "None",
            "Subdomain": "Physics",
        },
        {
            "id": "gpqa-rec7",
            "question": "Which is lightest?",
            "answer": "B",
            "choices": ["neutron", "electron", "proton", "None"],
        },
    ),
    "arc_easy": (
        {
            "id": "MCAS_7",
            "question": "Which of these melts first?",
            "choices": {"text": ["iron", "ice", "glass"], "label": ["1", "2", "3"]},
            "answerKey": "2",
        },
        {
            "id": "arc-easy-MCAS_7",
            "question": "Which of these melts first?",
            "answer": "B",
            "choices": ["iron", "ice", "glass"],
        },
    ),
    "openbookqa": (
        {
            "id": "8-1",
            "question_stem": "A plant that stands in the dark will",
            "choices": {"text": ["bloom", "sing", "wither", "freeze"], "label": ["A", "B", "C", "D"]},
            "answerKey": "C",
        },
        {
            "id": "obqa-test-8-1",
            "question": "A plant that stands in the dark will",
            "answer": "C",
            "choices": ["bloom", "sing", "wither", "freeze"],
        },
    ),
}


def write_hub_file(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text(json.dumps(rows, indent=1))
    return path


def write_local_files(folder: Path) -> None:
    """Two documents a suite, the second without meaning, with fields of no concern between them."""
    for name, (_, document) in HUB.items():
        rows = [document | {"source": "here", "licence": "Apache-2.0"}, document | {"id": "other", "rationales": []}]
        path = folder / SUITES[name].SOURCE.local
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


class Oracle(LM):
    """Closes with the reference of every document, whichever it is; or with another answer."""

    def __init__(self, wrong: str | None = None) -> None:
        super().__init__()
        self.wrong = wrong
        self.prompts: list[str] = []

    def generate_until(self, requests: list[Instance]) -> list[str]:
        self.prompts += [request.args[0] for request in requests]
        answers = [self.wrong or request.doc["answer"] for request in requests]
        return [f"First this, then that.\n{ANSWER_LINE.format(answer=answer)}" for answer in answers]

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        raise NotImplementedError

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        raise NotImplementedError


@pytest.fixture(scope="module")
def manager() -> Any:
    return TaskManager(include_path=[str(TASKS_PATH)], include_defaults=False)


@pytest.mark.parametrize("name", SUITES)
def test_a_row_of_the_hub_becomes_a_document(name: str) -> None:
    row, document = HUB[name]
    assert SUITES[name].convert(row, 0) == document


@pytest.mark.parametrize(
    ("answer", "expected"), [("51", "51"), ("51.0", "51"), ("1000000", "1000000"), ("0.5", "0.5"), (3.0, "3")]
)
def test_a_whole_number_of_svamp_is_written_as_one(answer: object, expected: str) -> None:
    assert svamp.convert(HUB["svamp"][0] | {"Answer": answer}, 0)["answer"] == expected


@pytest.mark.parametrize(("labels", "key", "letter"), [("ABCD", "D", "D"), ("1234", "1", "A"), ("ABC", "C", "C")])
def test_options_of_arc_are_lettered_whatever_their_labels(labels: str, key: str, letter: str) -> None:
    row = {"id": "x", "question": "?", "choices": {"text": [*"wxyz"][: len(labels)], "label": [*labels]}}
    assert arc_easy.convert(row | {"answerKey": key}, 0)["answer"] == letter


def test_every_suite_with_a_source_is_told_of_by_its_name(no_hub: None) -> None:
    assert {name.removeprefix("offbook_"): source for name, source in SOURCES.items()} == {
        name: suite.SOURCE for name, suite in SUITES.items()
    }
    reason = unavailable("offbook_arc_easy")
    assert reason is not None
    assert reason.startswith("ARC-Easy: expected allenai/ai2_arc from the Hugging Face hub")
    assert unavailable("offbook_procedural_dates") is None


def test_a_data_set_that_lies_here_is_available(data_folder: Path) -> None:
    write_local_files(data_folder)
    assert {name: unavailable(name) for name in SOURCES} == dict.fromkeys(SOURCES)


def test_the_answer_of_gsm8k_is_what_stands_behind_the_last_marks() -> None:
    row = {"question": "?", "answer": "He is #### bold.\n#### -7"}
    assert gsm8k.convert(row, 12) == {"id": "gsm8k-test-12", "question": "?", "answer": "-7"}


def test_the_options_of_gpqa_are_shuffled_by_the_record_alone() -> None:
    row = HUB["gpqa_diamond"][0]
    documents = [gpqa_diamond.convert(row | {"Record ID": f"rec{n}"}, number) for number in (0, 5) for n in range(40)]
    assert documents[:40] == documents[40:]
    assert {document["answer"] for document in documents} == set("ABCD")
    for document in documents:
        assert document["choices"]["ABCD".index(document["answer"])] == "electron"
        assert sorted(document["choices"]) == ["None", "electron", "neutron", "proton"]


@pytest.mark.parametrize("choices", [("red", "dark red"), ("a (B) b", "c\nd"), ()])
def test_options_are_found_again(choices: tuple[str, ...]) -> None:
    assert split_options(with_options("Which of (A) or (B)?", choices).rstrip()) == ("Which of (A) or (B)?", choices)


def test_a_list_that_does_not_begin_with_a_is_text() -> None:
    assert split_options("Which?\n(B) red\n(C) blue") == ("Which?\n(B) red\n(C) blue", ())


def test_a_question_with_options_has_one_a_line() -> None:
    assert with_options("Which?\n", ["red", "dark red"]) == "Which?\n\n(A) red\n(B) dark red"


@pytest.mark.parametrize("name", SUITES)
def test_the_hub_and_a_local_file_give_the_same_documents(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    suite = SUITES[name]
    row, document = HUB[name]
    source = dataclasses.replace(suite.SOURCE, size=1)
    path = write_hub_file(data_folder / "hub" / source.file, [row])
    asked: list[dict[str, Any]] = []

    def hub(**where: Any) -> str:
        asked.append(where)
        return str(path)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", hub)
    from_hub = load(source, suite.convert)["test"]
    assert asked[0]["repo_id"] == source.repository
    assert asked[0]["revision"] == source.revision
    assert asked[0]["local_files_only"]
    assert origin_of(from_hub) == f"{source.name}: {source.repository} at {source.revision}"
    (data_folder / source.local).write_text(json.dumps(document | {"source": "here"}))
    from_file = load(source, suite.convert)["test"]
    assert from_hub.to_list() == from_file.to_list() == [document]
    assert from_hub.features == from_file.features
    assert len(asked) == 1


@pytest.mark.parametrize("name", SUITES)
def test_a_data_set_is_pinned_by_a_full_commit(name: str) -> None:
    revision = SUITES[name].SOURCE.revision
    assert len(revision) == 40
    assert set(revision) <= set("0123456789abcdef")
    readme = (TASKS_PATH / name / "README.md").read_text()
    assert all(str(part) in readme for part in (revision, SUITES[name].SOURCE.repository, SUITES[name].SOURCE.local))
    assert f"{SUITES[name].SOURCE.size:,}" in readme


def test_a_hub_file_of_another_length_is_refused(no_hub: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write_hub_file(tmp_path / gsm8k.SOURCE.file, [HUB["gsm8k"][0]])
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda **where: str(path))
    with pytest.raises(ValueError, match="expected 1,319 questions, got 1"):
        gsm8k.load()


@pytest.mark.parametrize("name", SUITES)
def test_without_the_hub_one_line_names_the_data_set_and_the_variable(no_hub: None, name: str) -> None:
    source = SUITES[name].SOURCE
    with pytest.raises(SuiteUnavailableError) as caught:
        SUITES[name].load(version=1.0)
    message = str(caught.value)
    assert message.startswith(f"{source.name}: ")
    assert source.repository in message
    assert f"OFFBOOK_DATA at a folder that holds {source.local}" in message
    assert "\n" not in message


def test_a_hub_out_of_reach_is_asked_once(no_hub: None, monkeypatch: pytest.MonkeyPatch) -> None:
    missing, late = LocalEntryNotFoundError("not in the cache"), TimeoutError("timed out\nafter long")

    def download(local_files_only: bool = False, **where: object) -> str:
        assert local_files_only, "asked again, for half a minute"
        raise missing

    def metadata(url: str) -> None:
        raise late

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", metadata)
    with pytest.raises(SuiteUnavailableError, match=r"got no answer \(timed out\); connect to the network"):
        gsm8k.load()


def test_a_gate_is_named_as_one(no_hub: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def metadata(url: str) -> None:
        assert "Idavidrein/gpqa" in url
        assert gpqa_diamond.SOURCE.revision in url
        raise GatedRepoError.__new__(GatedRepoError)  # its constructor wants a response of the hub's HTTP library

    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", metadata)
    with pytest.raises(
        SuiteUnavailableError, match="which is gated, got none; accept its terms there and run `hf auth login`"
    ):
        gpqa_diamond.load()


def test_a_folder_without_the_file_leaves_the_hub(data_folder: Path) -> None:
    assert local_file(gsm8k.SOURCE) is None
    with pytest.raises(SuiteUnavailableError, match="GSM8K"):
        gsm8k.load()


@pytest.mark.parametrize(
    ("name", "line", "complaint"),
    [
        ("gsm8k", "{", "line 2: expected JSON"),
        ("gsm8k", "[]", "line 2: expected a JSON object with a text 'id'"),
        ("gsm8k", '{"id": "b", "question": "?"}', "line 2: expected a JSON object with a text 'answer'"),
        (
            "gsm8k",
            '{"id": "b", "question": " ", "answer": "1"}',
            "line 2: expected a JSON object with a text 'question'",
        ),
        ("gsm8k", '{"id": "b", "question": "?", "answer": 1}', "line 2: expected a JSON object with a text 'answer'"),
        ("gsm8k", '{"id": "a", "question": "?", "answer": "1"}', "line 2: expected every id once, got 'a'"),
        ("commonsenseqa", '{"id": "b", "question": "?", "answer": "A"}', "line 2: expected choices"),
        (
            "commonsenseqa",
            '{"id": "b", "question": "?", "answer": "C", "choices": ["x", "y"]}',
            "line 2: expected an answer among the letters A, B, got 'C'",
        ),
    ],
)
def test_a_bad_local_row_is_refused_with_file_and_line(data_folder: Path, name: str, line: str, complaint: str) -> None:
    path = data_folder / SUITES[name].SOURCE.local
    good = {"id": "a", "question": "?", "answer": "A", "choices": ["x", "y"]}
    path.write_text(json.dumps(good) + "\n" + line)
    with pytest.raises(ValueError, match="expected") as caught:
        SUITES[name].load()
    assert not isinstance(caught.value, SuiteUnavailableError)
    assert f"{path.name}, {complaint}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_local_file_is_refused(data_folder: Path) -> None:
    (data_folder / gsm8k.SOURCE.local).write_text("\n")
    with pytest.raises(ValueError, match=r"gsm8k_test.jsonl: expected questions"):
        gsm8k.load()


def test_fewer_questions_than_were_published_are_called_a_dev_subset(
    data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_local_files(data_folder)
    origin = "GSM8K: dev subset, 2 of 1,319 questions, OFFBOOK_DATA/test/gsm8k_test.jsonl"
    assert origin_of(gsm8k.load()["test"]) == origin
    assert capsys.readouterr().err == f"offbook: {origin}\n"
    said: list[str] = []
    find_suites(["gsm8k", "chat"], say=said.append)
    assert said == [origin]
    whole = load(dataclasses.replace(gsm8k.SOURCE, size=2), gsm8k.convert)["test"]
    assert origin_of(whole) == "GSM8K: 2 of 2 questions, OFFBOOK_DATA/test/gsm8k_test.jsonl"


@pytest.mark.parametrize(("group", "metric"), [("id", "exact_match"), ("ood", "acc")])
def test_references_score_full_marks_through_lm_eval_and_the_group_is_the_mean_of_its_suites(
    data_folder: Path, manager: Any, group: str, metric: str
) -> None:
    pytest.importorskip("math_verify", reason="MATH500 needs `pip install 'offbook[math]'`")
    write_local_files(data_folder)
    right = Oracle()
    outcome = simple_evaluate(model=right, tasks=[f"offbook_{group}"], task_manager=manager, bootstrap_iters=0)
    assert set(outcome["group_subtasks"][f"offbook_{group}"]) == {f"offbook_{name}" for name in GROUPS[group]}
    for name in GROUPS[group]:
        assert outcome["results"][f"offbook_{name}"][f"{metric},none"] == 1.0
    assert outcome["groups"][f"offbook_{group}"][f"{metric},none"] == 1.0
    assert all(prompt.endswith("then close with a line that reads: The answer is ...") for prompt in right.prompts)
    longer = data_folder / SUITES[GROUPS[group][1]].SOURCE.local
    longer.write_text(longer.read_text() + longer.read_text().replace('"id": "', '"id": "again '))
    answer = HUB[GROUPS[group][1]][1]["answer"]  # right in one suite, wrong in the others
    outcome = simple_evaluate(model=Oracle(answer), tasks=[f"offbook_{group}"], task_manager=manager, bootstrap_iters=0)
    scores = {name: outcome["results"][f"offbook_{name}"][f"{metric},none"] for name in GROUPS[group]}
    assert scores == {name: float(name == GROUPS[group][1]) for name in GROUPS[group]}
    assert outcome["groups"][f"offbook_{group}"][f"{metric},none"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_generates_greedily_and_no_stop_string_cuts_an_answer(
    data_folder: Path, manager: Any, name: str
) -> None:
    if name == "math500":
        pytest.importorskip("math_verify", reason="MATH500 needs `pip install 'offbook[math]'`")
    write_local_files(data_folder)
    task = manager.load(f"offbook_{name}")["tasks"][f"offbook_{name}"]
    assert task.OUTPUT_TYPE == "generate_until"
    assert task.config.generation_kwargs["until"] == []
    assert task.config.generation_kwargs["do_sample"] is False
    assert task.config.num_fewshot == 0
    document = task.eval_docs[0]
    assert document == HUB[name][1]
    assert task.doc_to_target(document) == document["answer"]
    options = "".join(
        f"\n({letter}) {text}" for letter, text in zip("ABCDE", document.get("choices", ()), strict=False)
    )
    assert task.doc_to_text(document).startswith(
        document["question"] + (f"\n{options}" if options else "") + "\n\nThink"
    )


def test_the_validator_names_what_it_skips_and_nothing_else(no_hub: None, capsys: pytest.CaptureFixture[str]) -> None:
    findings = validate_tasks(TASKS_PATH / "gsm8k")
    assert [(finding.path.name, finding.skipped) for finding in findings] == [("offbook_gsm8k.yaml", True)]
    assert main([str(TASKS_PATH / "gsm8k")]) == 0
    said = capsys.readouterr().out
    assert "offbook_gsm8k.yaml: skipped: GSM8K: expected openai/gsm8k" in said
    assert "builds and renders, but 1 skipped" in said


def test_a_broken_suite_is_a_finding_even_where_another_is_skipped(no_hub: None, tmp_path: Path) -> None:
    for file in ("utils.py", "offbook_gsm8k.yaml"):
        (tmp_path / file).write_text((TASKS_PATH / "gsm8k" / file).read_text())
    broken = (TASKS_PATH / "gsm8k" / "offbook_gsm8k.yaml").read_text().replace("utils.load", "utils.lod")
    (tmp_path / "broken.yaml").write_text(broken.replace("offbook_gsm8k", "offbook_broken"))
    assert {finding.path.name: finding.skipped for finding in validate_tasks(tmp_path)} == {
        "broken.yaml": False,
        "offbook_gsm8k.yaml": True,
    }
    assert main([str(tmp_path)]) == 1


def test_the_validator_builds_every_suite_and_group_on_local_files(data_folder: Path) -> None:
    pytest.importorskip("math_verify", reason="MATH500 needs `pip install 'offbook[math]'`")
    write_local_files(data_folder)
    assert validate_tasks() == []
    (data_folder / gsm8k.SOURCE.local).write_text('{"id": "a", "question": "?"}')
    problems = {finding.path.name: finding.problem for finding in validate_tasks() if not finding.skipped}
    assert set(problems) == {"offbook_gsm8k.yaml", "offbook_id.yaml"}
    assert "text 'answer'" in problems["offbook_gsm8k.yaml"]


def test_listing_names_the_suites_without_their_data(no_hub: None) -> None:
    lines = [line.strip() for line in listing().splitlines()]
    assert set(SUITES) <= set(lines)


def test_evaluate_ends_with_status_2_and_one_line(
    no_hub: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        command_line(["evaluate", "--tasks", "gsm8k", "--limit", "1"])
    assert end.value.code == 2
    assert capfd.readouterr() == (
        "",
        "offbook: error: GSM8K: expected openai/gsm8k from the Hugging Face hub, got no answer (HF_HUB_OFFLINE is "
        "set); connect to the network, or point OFFBOOK_DATA at a folder that holds test/gsm8k_test.jsonl\n",
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", SUITES)
def test_the_files_of_this_machine_load(name: str) -> None:
    source = SUITES[name].SOURCE
    path = local_file(source)
    if path is None:
        pytest.skip(f"OFFBOOK_DATA does not name a folder that holds {source.local}")
    documents = SUITES[name].load()["test"].to_list()
    assert 0 < len(documents) <= source.size
    prefix = HUB[name][1]["id"].split("-")[0]
    for document in documents:
        assert document["id"].startswith(prefix)
        closing = ANSWER_LINE.format(answer=document["answer"])
        assert list(SUITES[name].score(document, [f"Let us see.\n{closing}"]).values()) == [1.0], document["id"]
        assert document["question"] in SUITES[name].ask(document)
