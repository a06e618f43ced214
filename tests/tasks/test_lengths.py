"""How long answers are: counted up to the model's own end, or known to have none."""

import re
from pathlib import Path

import pytest
import yaml
from lm_eval.tasks import TaskManager

from offbook.engine.chat_answers import chat_tokens, greedy_tokens
from offbook.engine.pretrained import load
from offbook.harness.settings.profiles import load_profile
from offbook.tasks import TASKS_PATH
from offbook.tasks.build import build
from offbook.tasks.prompts import CATEGORIES, Prompt, lengths, load_prompts
from offbook.tasks.prompts.lengths import UNENDED, answer_lengths, ended_within, table
from tests.chain import chain_model, chain_tokenizer
from tests.tiny import save_tiny

CAP = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("lengths") / "tiny")


def test_lengths_are_those_of_whole_answers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokenizer = load(str(folder))
    prompts: list[Prompt] = load_prompts("test", "qa")[:6]
    asked = [chat_tokens(tokenizer, prompt.prompt) for prompt in prompts]
    said = [greedy_tokens(model, tokenizer, [prompt], CAP)[0] for prompt in asked]
    assert model.generation_config is not None
    model.generation_config.eos_token_id = said[0][4]  # a token that comes in the midst of an answer ends it
    whole = [greedy_tokens(model, tokenizer, [prompt], CAP)[0] for prompt in asked]
    expected = [len(answer) if answer[-1] == said[0][4] else UNENDED for answer in whole]
    monkeypatch.setattr(lengths, "STEP", 3)
    seen: list[tuple[int, int]] = []
    found = answer_lengths(
        model, tokenizer, prompts, cap=CAP, batch_size=1, progress=lambda ended, total: seen.append((ended, total))
    )
    assert list(found.values()) == expected
    assert expected[0] <= 5
    assert seen[-1] == (sum(length < UNENDED for length in expected), 6)


def test_an_answer_ends_at_the_tokenizers_end_token_where_the_config_names_none() -> None:
    tokenizer = chain_tokenizer()
    model = chain_model(tokenizer, {".": "4", "4": "2", "2": "<|im_end|>"})
    prompts = [
        Prompt(id=text, category="qa", split="test", prompt=text, answer="") for text in ("6 times 7.", "for ever")
    ]
    assert answer_lengths(model, tokenizer, prompts, cap=12) == {"6 times 7.": 3, "for ever": UNENDED}


def test_the_table_counts_what_never_ends_as_unended() -> None:
    shown = table({"qa-train-000": 20, "qa-train-001": 90, "qa-train-002": UNENDED, "qa-train-003": 48}, 128)
    assert "| qa " in shown
    assert re.search(r"\| 25 % +\| 50 % +\| 75 % +\| 75 % +\|$", shown, re.MULTILINE)
    assert "never" in shown
    assert ended_within([1, UNENDED], 1) == 0.5


def test_the_command_prints_the_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lengths.main(["--model", str(folder), "--per-category", "2", "--cap", "4", "--category", "qa"]) == 0
    assert "| qa " in capsys.readouterr().out


def test_profiles_cap_answers_as_the_suites_do() -> None:
    folder = Path(lengths.__file__).parent
    own = {}
    for category in CATEGORIES:
        text = (folder / f"offbook_{category}.yaml").read_text().replace("!function", "")
        own[category] = yaml.safe_load(text)["generation_kwargs"]["max_gen_toks"]
    readme = (folder / "README.md").read_text()
    for category, cap in own.items():
        assert re.search(rf"\| `offbook_{category}` \|.*\| {cap} \|", readme)
        assert re.search(rf"\| {category} \| {cap} \|", readme)
    for profile in ("laptop", "board", "drafters", "full"):
        suites = load_profile(profile)[1].suites
        assert {category: suites[category].max_new_tokens for category in CATEGORIES} == own


def test_lengths_are_measured_as_the_suites_ask() -> None:
    manager = TaskManager(include_path=[str(TASKS_PATH)], include_defaults=False)
    for category in CATEGORIES:
        name = f"offbook_{category}"
        task = build(name, manager)[name]
        asked = [task.doc_to_text(document) for document in task.eval_docs]
        assert asked == [prompt.asked for prompt in load_prompts("test", category)], category
