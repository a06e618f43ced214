"""The prompt files: complete, reproducible, and no test prompt leaks into training."""

import ast
import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from offbook.tasks.prompts import CATEGORIES, DATA_PATH, SPLITS, load_prompts
from offbook.tasks.prompts import generate as generator
from offbook.tasks.prompts.filling import fill
from offbook.tasks.prompts.generate import as_jsonl, generate, ngrams, shared_ngrams
from offbook.tasks.prompts.pools import Row
from offbook.tasks.prompts.scoring import contains_any

FIRST_TWELVE = "c8bc99c9c986d142023ddc5cf8f6d10f93de7414693be26d3ab9316c2be66d61"


@pytest.fixture(scope="module")
def rows() -> dict[str, list[Row]]:
    return {split: generate(split) for split in SPLITS}


@pytest.mark.parametrize("split", SPLITS)
def test_the_generator_writes_the_committed_file_byte_for_byte(split: str) -> None:
    assert (DATA_PATH / f"{split}.jsonl").read_bytes() == as_jsonl(generate(split)).encode()


def test_check_passes_on_the_committed_files_and_fails_on_edited_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generator.main(["--check"]) == 0
    copy = shutil.copytree(DATA_PATH, tmp_path / "data")
    monkeypatch.setattr(generator, "DATA_PATH", copy)
    (copy / "train.jsonl").write_text("edited\n")
    assert generator.main(["--check"]) == 1
    assert "train.jsonl" in capsys.readouterr().err
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0


def test_every_category_has_forty_test_prompts() -> None:
    assert Counter(prompt.category for prompt in load_prompts("test")) == dict.fromkeys(CATEGORIES, 40)


def test_the_first_twelve_test_prompts_of_a_category_are_those_that_records_rest_on() -> None:
    lines = (DATA_PATH / "test.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    first = [line for line in lines if int(json.loads(line)["id"][-3:]) < 12]
    assert hashlib.sha256("".join(first).encode()).hexdigest() == FIRST_TWELVE


def test_every_category_has_at_least_150_training_prompts() -> None:
    counts = Counter(prompt.category for prompt in load_prompts("train"))
    assert set(counts) == set(CATEGORIES)
    assert min(counts.values()) >= 150
    assert counts["chat"] == 200


def test_ids_and_prompts_are_unique_across_both_splits(rows: dict[str, list[Row]]) -> None:
    every = rows["test"] + rows["train"]
    assert len({row["id"] for row in every}) == len(every)
    assert len({row["prompt"].casefold() for row in every}) == len(every)


def test_no_test_prompt_shares_eight_words_with_a_training_prompt(rows: dict[str, list[Row]]) -> None:
    assert shared_ngrams(rows["test"], rows["train"]) == {}


def test_a_test_prompt_with_other_numbers_is_seen_as_shared(rows: dict[str, list[Row]]) -> None:
    leaked = {"prompt": "A ferry makes 9 crossings a day and carries 1,250 cars each time."}
    assert list(shared_ngrams(rows["test"], [leaked])) == ["maths-test-000"]


def test_ngrams_ignore_case_punctuation_and_the_value_of_numbers() -> None:
    assert ngrams("One, TWO 3.5!", size=3) == ngrams("one two 1,200", size=3) == {("one", "two", "0")}
    assert ngrams("too short") == set()


def test_prompts_are_short(rows: dict[str, list[Row]]) -> None:
    assert max(len(row["prompt"].split()) for split in SPLITS for row in rows[split]) <= 110


def test_only_chat_and_code_lack_a_reference(rows: dict[str, list[Row]]) -> None:
    for row in rows["test"] + rows["train"]:
        assert bool(row["answer"]) == (row["category"] not in {"chat", "code"}), row["id"]


def test_answers_to_passages_stand_in_the_passage(rows: dict[str, list[Row]]) -> None:
    for row in rows["test"] + rows["train"]:
        if row["category"] in {"qa", "extraction"} and "\n" in row["prompt"]:
            assert contains_any(row["prompt"], row["check"]["accept"]), row["id"]


def test_no_slot_is_left_unfilled(rows: dict[str, list[Row]]) -> None:
    for row in rows["train"]:
        if row["category"] != "code":
            assert not set("<>[]|") & set(row["prompt"] + row["answer"]), row["id"]


def test_code_prompts_name_the_function_they_check(rows: dict[str, list[Row]]) -> None:
    for row in rows["test"] + rows["train"]:
        if row["category"] == "code":
            signature = row["prompt"].split("`")[1]
            definition = ast.parse(f"def {signature}: ...").body[0]
            assert isinstance(definition, ast.FunctionDef)
            assert definition.name == row["check"]["function"]


def test_an_unknown_split_or_category_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"test, train; got 'dev'"):
        load_prompts("dev")
    with pytest.raises(ValueError, match=r"chat, maths.*; got 'poems'"):
        load_prompts("test", "poems")


def test_prompts_of_one_category_can_be_loaded() -> None:
    assert [prompt.id for prompt in load_prompts("test", "qa")] == [f"qa-test-{number:03d}" for number in range(40)]


def test_a_template_repeats_what_it_remembers_and_never_draws_one_name_twice() -> None:
    from random import Random

    for seed in range(50):
        values: dict[str, str] = {}
        text = fill("<a=person>, <b=person>, <a> [x|y] <n=3..4>", Random(seed), values)
        assert values["a"] != values["b"]
        assert text.count(values["a"]) == 2
        assert values["n"] in {"3", "4"}
