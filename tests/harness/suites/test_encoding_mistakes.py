"""Templates that raise, tokens without an embedding and half characters, through the command line."""

import json

import pytest

from offbook.harness.cli.main import main
from tests.harness.suites.test_task_mistakes import GOOD, ROWS, evaluate, write
from tests.tiny import save_tiny, tiny_tokenizer

NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{{ m['content'] }}{% endfor %}"
)


def last_error(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    said = capsys.readouterr().err.strip().splitlines()
    assert end.value.code == 2, said
    assert said[-1].startswith("offbook: error: "), said
    assert not [line for line in said if "Traceback" in line], said
    return said[-1].removeprefix("offbook: error: ")


@pytest.fixture(scope="module")
def odd(tmp_path_factory) -> str:
    """A model whose template takes no system turn, and whose tokenizer knows a word that it has no embedding for."""
    folder = save_tiny(tmp_path_factory.mktemp("models") / "odd")
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = NO_SYSTEM
    tokenizer.add_tokens(["zebra"])
    tokenizer.save_pretrained(folder)
    return str(folder)


def test_a_template_without_a_system_turn_is_named_where_a_task_has_a_description(odd, tmp_path, capsys):
    folder = write(tmp_path / "tasks", GOOD | {"description": "Be brief."}, rows=ROWS)
    assert evaluate(odd, folder, tmp_path / "out") == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "odd: expected a chat template that renders turns of system, user, got TemplateError: System role" in last
    assert evaluate(odd, folder, tmp_path / "out", "--no-chat-template") == 0


def test_a_broken_template_is_named_by_every_command_that_renders(tmp_path, capsys):
    folder = save_tiny(tmp_path / "broken")
    (folder / "chat_template.jinja").write_text("{% for m in messages %}")
    commands = (
        ("generate", "hello", "--model", str(folder)),
        ("evaluate", "--suite", "qa", "--model", str(folder), "--output", str(tmp_path / "out")),
        (
            "train-drafter",
            "eagle2",
            "--model",
            str(folder),
            "--answers",
            "regenerate",
            "--limit",
            "2",
            "--draft-vocab-size",
            "16",
            "--output",
            str(tmp_path / "drafter"),
        ),
        (
            "train-student",
            "single_rationale",
            "--model",
            str(folder),
            "--questions",
            "2",
            "--dev-questions",
            "2",
            "--output",
            str(tmp_path / "student"),
        ),
    )
    for command in commands:
        assert "broken: expected a chat template that renders turns of user, got TemplateSyntaxError" in last_error(
            capsys, *command
        )


def test_a_token_without_an_embedding_is_named(odd, tmp_path, capsys):
    error = last_error(capsys, "generate", "one zebra", "--model", odd)
    assert error.startswith("odd: expected token ids below 258, the rows of the model's embedding, got 258 ('zebra')")
    folder = write(tmp_path / "tasks", GOOD, rows=[*ROWS, {"question": "a zebra", "answer": "4"}])
    assert evaluate(odd, folder, tmp_path / "out") == 2
    assert "got 258 ('zebra')" in capsys.readouterr().err
    questions = tmp_path / "question.jsonl"
    questions.write_text(json.dumps({"question_id": 1, "turns": ["a zebra"]}) + "\n")
    command = ("train-drafter", "eagle2", "--model", odd, "--prompts", str(questions), "--draft-vocab-size", "16")
    assert "got 258 ('zebra')" in last_error(capsys, *command, "--output", str(tmp_path / "drafter"))


def test_half_a_character_in_an_argument_is_told(tiny_folder, capsys):
    error = last_error(capsys, "generate", "caf\udce9", "--model", tiny_folder)
    assert error == (
        "argument 2: expected Unicode text, got the lone surrogate U+DCE9 at character 4; re-encode it as UTF-8"
    )
    assert "argument 3: expected Unicode text" in last_error(capsys, "evaluate", "--suite", "\ud800")


def test_half_a_character_on_standard_input_is_told(tiny_folder, capsys, monkeypatch):
    class Input:
        def read(self) -> str:
            return "caf\udce9"

    monkeypatch.setattr("sys.stdin", Input())
    assert "the prompt: expected Unicode text" in last_error(capsys, "generate", "-", "--model", tiny_folder)


def test_half_a_character_in_a_question_file_is_told_with_its_line(tiny_folder, tmp_path, capsys):
    questions = tmp_path / "question.jsonl"
    rows = [{"question_id": 1, "turns": ["hello"]}, {"question_id": 2, "turns": ["\ud83d"]}]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    error = last_error(capsys, "train-drafter", "eagle2", "--model", tiny_folder, "--prompts", str(questions))
    assert f"{questions}, line 2" in error
    assert "half a surrogate pair, which is no character" in error


def test_half_a_character_in_questions_for_a_corpus_is_told_with_its_line(tmp_path, capsys):
    questions = tmp_path / "q.jsonl"
    questions.write_text('{"id": "a", "question": "\\ud83d?", "answer": "1"}\n')
    command = ("synthesize", "--output", str(tmp_path / "c.jsonl"), "--teacher", "transformers", "--teacher-model", "x")
    assert "q.jsonl, line 1: " in last_error(capsys, *command, "--questions", str(questions))


@pytest.mark.parametrize("target", ["nowhere", "out"])
@pytest.mark.parametrize("below", ["", "below"])
def test_an_output_that_is_a_link_to_nowhere_is_refused_at_once(target, below, tiny_folder, tmp_path, capsys):
    (tmp_path / "out").symlink_to(tmp_path / target)
    output = str(tmp_path / "out" / below)
    commands = (
        ("evaluate", "--suite", "qa", "--model", "no/such/model", "--output", output),
        ("train-drafter", "eagle2", "--model", "no/such/model", "--output", output),
        ("import-drafter", "no/where", "--model", "no/such/model", "--output", output),
        ("train-student", "mind", "--model", "no/such/model", "--output", output),
        ("reproduce", "--output", output),
        ("analyse-latent", "--base", "no/such/model", "--output", output),
        ("synthesize", "--output", f"{output}/corpus.jsonl"),
    )
    for command in commands:
        assert f"got the link {tmp_path / 'out'}, which leads nowhere; choose another" in last_error(capsys, *command)


def test_a_draft_vocabulary_beyond_the_models_is_refused_before_the_model_answers(
    tiny_folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(
        "offbook.harness.artifacts.train_drafter.target_answers", lambda *a, **k: pytest.fail("it answered")
    )
    command = ("train-drafter", "eagle2", "--model", tiny_folder, "--answers", "regenerate")
    error = last_error(capsys, *command, "--output", str(tmp_path / "drafter"))
    assert error == "expected a draft vocabulary of 1 to 258 tokens, got 8192; change draft_vocab_size"


def test_a_question_that_does_not_fit_is_refused_before_the_model_answers(tiny_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("offbook.engine.chat_answers.greedy_tokens", lambda *a, **k: pytest.fail("it answered"))
    questions = tmp_path / "question.jsonl"
    rows = [{"question_id": 1, "turns": ["hello"]}, {"question_id": 2, "turns": ["x" * 100_000]}]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ("train-drafter", "eagle2", "--model", tiny_folder, "--prompts", str(questions))
    error = last_error(capsys, *command, "--draft-vocab-size", "16", "--output", str(tmp_path / "drafter"))
    assert error.startswith("question 2: expected prompt plus new tokens within the model's context of 512, got 1000")
