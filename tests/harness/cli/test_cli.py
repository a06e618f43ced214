import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import offbook
from offbook.harness.cli.main import main
from tests.tiny import save_tiny

ENVIRON = os.environ | {"PYTHONPATH": str(Path(offbook.__file__).parent.parent)}
LEARNED = {"--answers": "regenerate", "--limit": "4", "--epochs": "1", "--draft-vocab-size": "64"}
ANSWERS = "offbook.harness.artifacts.train_drafter.target_answers"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> str:
    return str(save_tiny(tmp_path_factory.mktemp("cli") / "tiny"))


@pytest.fixture(scope="module")
def drafter(tiny, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("drafters") / "eagle2"
    assert status("train-drafter", "eagle2", "--model", tiny, "--output", str(folder), *words(LEARNED)) == 0
    return str(folder)


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert isinstance(end.value.code, int)
    return end.value.code


def words(options: dict[str, str]) -> list[str]:
    return [word for pair in options.items() for word in pair]


def test_help_comes_at_once():
    """It imports of other packages what the library of the command line needs, and two small ones: nothing slow."""
    ours = packages_imported("from offbook.harness.cli.main import main\ntry:\n    main(['--help'])\nfinally:\n    {}")
    library = packages_imported("import typer.core\n{}")
    assert {"offbook", "typer"} <= ours
    assert ours - library - {"offbook"} <= {"annotated_types", "typing_extensions"}


def packages_imported(code: str) -> set[str]:
    """The packages of other people that `code` imports, told where it says {}."""
    tell = "print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", "import sys\n" + code.format(tell)]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRON, check=True)
    return {name.partition(".")[0] for name in done.stderr.split()} - sys.stdlib_module_names


@pytest.mark.parametrize(
    "command",
    [
        *("generate", "evaluate", "train-drafter", "train-student", "synthesize", "reproduce", "report", "ls"),
        *("analyse-latent", "run", "import-drafter", "export", "push"),
    ],
)
def test_every_command_has_help(command, capsys):
    assert status(command, "--help") == 0
    assert f"offbook {command}" in capsys.readouterr().out


def test_the_version_is_printed(capsys):
    assert status("--version") == 0
    assert capsys.readouterr().out == f"offbook {offbook.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("lsx", "No such command 'lsx'"),
        ("generate", "Missing argument"),
        ("generate hi --max-new-tokens 0", "Invalid value for '--max-new-tokens'"),
        ("generate hi --max-new-tokens many", "Invalid value for '--max-new-tokens'"),
        ("train-student", "train-student: method: Field required"),
        ("train-student mindd --model TINY", "no distillation method 'mindd' (did you mean mind?)"),
        ("train-student single_rationale --model TINY --option beta", "--option 'beta': expected NAME=VALUE"),
        (
            "train-student single_rationale --model TINY --option beta=1",
            "beta: unknown key, got 1; the method's settings",
        ),
        (
            "train-student single_rationale --model TINY --lora-rank 9223372036854775808",
            "'--lora-rank' / '--lora_rank': Input should be less",
        ),
        ("train-student single_rationale --model no/such/folder", "no model 'no/such/folder'"),
        ("train-student single_rationale --model TINY --corpus nowhere.jsonl", "expected a corpus 'nowhere.jsonl'"),
        ("reproduce --profile paper", "expected a corpus 'paper/corpus.jsonl'"),
        ("reproduce --profile svamp", "expected a corpus 'train/svamp_train.jsonl'"),
        ("generate hi --decoder jackiro", "no decoder 'jackiro' (did you mean jakiro?)"),
        ("generate hi --temperature -1", "temperature must be 0 or at least 1e-06"),
        ("generate hi --temperature 1e-40", "temperature must be 0 or at least 1e-06"),
        ("generate hi --decoder prompt_lookup --option num_tokens=1000000000000", "num_tokens"),
        ("generate hi --top-p 2", "top_p must lie in [1e-06, 1]"),
        ("generate hi --temperature 1 --top-p 1e-46", "top_p must lie in [1e-06, 1], got 1e-46"),
        ("generate hi --temperature 1 --top-p 5e-324", "top_p must lie in [1e-06, 1], got 5e-324"),
        ("evaluate --tasks qa --temperature 1 --top-p 1e-46", "top_p must lie in [1e-06, 1]"),
        ("generate hi --seed 1_000", "Invalid value for '--seed': expected a whole number in digits, got '1_000'"),
        ("generate hi --temperature 1_0", "Invalid value for '--temperature': expected a number in digits, got '1_0'"),
        (
            "evaluate --tasks qa --limit 1_0",
            "Invalid value for '--limit': expected a whole number in digits, got '1_0'",
        ),
        ("train-student mind --seed ٣", "Invalid value for '--seed': expected a whole number in digits"),
        ("generate hi --seed 1 --seed 2", "Invalid value for '--seed': expected once, got twice"),
        ("evaluate --tasks qa --tasks maths", "expected once, got twice"),
        ("evaluate --tasks qa --apply-chat-template --no-chat-template", "expected once, got twice"),
        (
            "generate hi --decoder prompt_lookup --option prompt_lookup.max_ngram=1 --option max_ngram=2",
            "expected each setting once, got prompt_lookup.max_ngram twice",
        ),
        ("evaluate --tasks qa --option eagle2.depth=1 --option eagle2.depth=2", "got eagle2.depth twice"),
        (
            "evaluate --tasks qa --drafter eagle2=a --drafter eagle2=b",
            "expected one folder a decoder, got two of eagle2",
        ),
        ("train-student logit_kd --option alpha=1 --option alpha=0", "expected each setting once, got alpha twice"),
        ("generate hi --model no/such/folder", "no model 'no/such/folder'"),
        ("generate hi --model TINY --decoder eagle2", "eagle2: expected a trained drafter, got none"),
        ("generate hi --model TINY --decoder eagle2 --drafter no/where", "no/where: expected a drafter"),
        ("generate hi --model TINY --option total=3", "options of autoregressive: total: unknown key, got 3; there is"),
        ("generate hi --model TINY --dtype int4", "expected --dtype to be one of"),
        ("generate hi --model TINY --device meta", "expected --device auto, cpu or cuda, got 'meta'"),
        ("generate hi --model TINY --device cuda:99", "expected --device cuda:99 to be here, found"),
        ("generate hi --seed 9223372036854775808", "Invalid value for '--seed'"),
        ("generate hi --model TINY/config.json", "got a file; check the path"),
        ("generate hi --model TINY --max-new-tokens 600", "within the model's context of 512"),
        ("evaluate", "expected at least one suite"),
        ("evaluate --tasks math", "no suite 'math' (did you mean maths?)"),
        ("evaluate --tasks qa --temperature -1", "Invalid value for '--temperature': "),
        ("evaluate --tasks qa --drafter eagle2", "--drafter 'eagle2': expected DECODER=FOLDER"),
        ("evaluate --tasks qa --option total=3", "--option 'total=3': expected DECODER.NAME=VALUE"),
        ("evaluate --tasks qa --model TINY --decoders prompt_lookup", "expected autoregressive among the decoders"),
        ("evaluate --tasks qa --model TINY --decoders autoregressive,autoregressive", "'autoregressive' twice"),
        ("evaluate --tasks qa --limit 0", "Invalid value for '--limit'"),
        ("evaluate --tasks qa --model no/such/one --decoders jackiro", "no decoder 'jackiro' (did you mean jakiro?)"),
        ("evaluate --tasks qa --output TINY/config.json", "expected a folder that can be written, got the file"),
        ("evaluate --tasks qa --include-path TINY/config.json", "Invalid value for '--include-path'"),
        ("evaluate --tasks qa --include-path no/where", "Invalid value for '--include-path'"),
        ("evaluate --config no.yaml", "no.yaml: expected a YAML file, found none"),
        (
            "train-drafter prompt_lookup",
            "prompt_lookup needs no drafter: expected one of ngram_table, lookup_else_eagle2, medusa, medusa_typical",
        ),
        ("train-drafter eagle2 --model TINY", "expected a draft vocabulary of 1 to 258 tokens, got 8192"),
        (
            "train-drafter eagle2 --model TINY --draft-vocab-size 64",
            "expected answers of 'tiny' among those shipped, found none",
        ),
        ("import-drafter", "Missing argument"),
        ("import-drafter TINY", "Missing option '--model'"),
        (
            "import-drafter no/where --model TINY",
            "'no/where': expected the folder of a draft model, got no such folder",
        ),
        (
            "import-drafter TINY --model TINY",
            "expected the keys of one of Medusa-2, Medusa-1, Jakiro, EAGLE-3, EAGLE-1 or EAGLE-2, got",
        ),
        ("import-drafter TINY --model TINY --output TINY", "expected a drafter's folder or a new one, got a model's"),
        ("train-drafter eagle2 --output TINY/config.json/below", "expected a folder that can be written, got the file"),
        ("reproduce --output TINY/config.json", "expected a folder that can be written, got the file"),
        ("synthesize", "Missing option '--output'"),
        ("synthesize --output c --target-size 0", "Invalid value for '--target-size'"),
        ("synthesize --output .", "Invalid value for '--output'"),
        ("synthesize --output c --temperature inf", "--temperature: expected a number of at least 0, got inf"),
        ("synthesize --output c --questions q.jsonl", "the procedural teacher takes no --questions"),
        ("synthesize --output c --judge-model m", "the procedural teacher takes no --judge-model"),
        ("synthesize --output c --teacher openai", "--teacher openai: expected --teacher-model, got none"),
        ("synthesize --output c --base-url http://x", "--base-url belongs to --teacher openai"),
        (
            "synthesize --output c --teacher openai --teacher-model m --questions no.jsonl",
            "no.jsonl: expected questions in JSON Lines, got no such file",
        ),
        ("reproduce --profile labtop", "no profile 'labtop' (did you mean laptop?)"),
        ("reproduce --profile no.yaml", "no.yaml: expected a YAML file, found none"),
        ("report no/where --output TINY/config.json", "expected a folder that can be written, got the file"),
        ("report no/where", "expected a store with a folder records/"),
        ("ls no/where", "expected a store with a folder records/"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments, complaint, tiny, capsys, monkeypatch):
    if "math" in arguments:  # lm-eval's own index takes half a minute
        from offbook.harness.suites import suite

        monkeypatch.setattr(suite, "_whole_manager", suite._own_manager)
    assert status(*[a.replace("TINY", tiny) for a in arguments.split()]) == 2
    captured = capsys.readouterr()
    last = captured.err.strip().splitlines()[-1]
    assert last.startswith("offbook: error: ")
    assert complaint in last
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("tasks: qa\ntaks: x\n", "taks: unknown key"),
        ("tasks: qa\ntasks: x\n", "key 'tasks' twice"),
        ("tasks: [\n", "expected plain YAML"),
        ("tasks: &a qa\nmodel: *a\n", "got an anchor or alias"),
        ("", "the whole"),
    ],
)
def test_a_malformed_configuration_is_told_with_its_file(content, complaint, tmp_path, capsys):
    path = tmp_path / "bad.yaml"
    path.write_text(content)
    assert status("evaluate", "--config", str(path)) == 2
    error = capsys.readouterr().err
    assert "bad.yaml" in error
    assert complaint in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("decoder", "suite", "complaint"),
    [
        ("autoregresive", "qa", "no decoder 'autoregresive' (did you mean autoregressive?)"),
        ("autoregressive", "summarizatiom", "summarizatiom"),
    ],
)
def test_a_profile_is_read_before_its_folder_is_made(decoder, suite, complaint, tmp_path, capsys):
    path, folder = tmp_path / "mine.yaml", tmp_path / "run"
    path.write_text(
        "schema_version: 2\ndescription: d\nmodels: {m: {}}\n"
        f"decoders: {{{decoder}: {{}}}}\nsuites: {{{suite}: {{}}}}\n"
    )
    assert status("reproduce", "--profile", str(path), "--output", str(folder)) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1
    assert not folder.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_an_output_without_permission_is_refused(tmp_path, capsys):
    (tmp_path / "closed").mkdir(mode=0o500)
    assert status("report", str(tmp_path), "--output", str(tmp_path / "closed" / "new")) == 2
    assert "expected a folder that can be written, got no permission in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.safetensors", b"half a downl"),
        ("config.json", b"{"),
        ("config.json", b'{"model_type": "llama", "num_hidden_layers": "two"}'),
        ("tokenizer.json", b'{"a": 1}'),
        ("tokenizer_config.json", b'{"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": "many"}'),
    ],
)
def test_a_broken_model_folder_is_told_in_one_line(file, content, tmp_path, capsys):
    folder = save_tiny(tmp_path / "broken")
    capsys.readouterr()
    (folder / file).write_bytes(content)
    assert status("generate", "hi", "--model", str(folder)) == 2
    error = capsys.readouterr().err
    told = rf"({folder}/{file}: expected .*; download it again|cannot load '{folder}': .*; check its files, or .*)"
    assert re.fullmatch(f"offbook: error: {told}\n", error)


def test_a_drafter_of_another_target_is_refused(drafter, tmp_path, capsys):
    other = str(save_tiny(tmp_path / "other", seed=1))
    assert status("generate", "hi", "--model", other, "--decoder", "eagle2", "--drafter", drafter) == 2
    assert "got one trained for tiny" in capsys.readouterr().err


def test_a_drafter_of_another_vocabulary_is_refused(drafter, tmp_path, capsys):
    other = str(save_tiny(tmp_path / "wide", vocab_size=300))
    assert status("generate", "hi", "--model", other, "--decoder", "eagle2", "--drafter", drafter) == 2
    assert "expected a drafter for vocabulary 300" in capsys.readouterr().err


def test_a_finished_drafter_is_told_once_more_and_stays_as_it_is(tiny, drafter, capsys):
    before = {path.name: path.read_bytes() for path in Path(drafter).glob("*.*")}
    assert status("train-drafter", "eagle2", "--model", tiny, "--output", drafter, *words(LEARNED)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == drafter
    assert {path.name: path.read_bytes() for path in Path(drafter).glob("*.*")} == before


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("eagle2", {"--limit": "5"}),
        ("eagle2", {"--epochs": "2"}),
        ("eagle2", {"--set": "variant.passes=2"}),
        ("jakiro", {}),
    ],
)
def test_the_folder_of_another_drafter_is_refused_before_anybody_answers(
    name, change, tiny, drafter, monkeypatch, capsys
):
    monkeypatch.setattr(ANSWERS, lambda *a, **k: pytest.fail("it answered"))
    before = sorted(Path(drafter).iterdir())
    asked = ("train-drafter", name, "--model", tiny, "--output", drafter)
    assert status(*asked, *words(LEARNED | change)) == 2
    assert "this training finished, got something else; choose another folder" in capsys.readouterr().err
    assert sorted(Path(drafter).iterdir()) == before


def test_the_folder_of_other_counts_is_refused_before_anybody_answers(tiny, tmp_path, monkeypatch, capsys):
    asked = ("train-drafter", "ngram_table", "--model", tiny, "--output", str(tmp_path / "counts"))
    for _ in range(2):
        assert status(*asked, "--answers", "regenerate", "--limit", "4") == 0
    monkeypatch.setattr(ANSWERS, lambda *a, **k: pytest.fail("it answered"))
    assert status(*asked, "--answers", "regenerate", "--limit", "5") == 2
    assert "got something else; choose another folder" in capsys.readouterr().err


def test_generate_streams_the_answer_and_then_its_account(tiny, drafter, capsys):
    outputs = []
    for extra in (["--decoder", "autoregressive"], ["--decoder", "eagle2", "--drafter", drafter]):
        assert status("generate", "Hello there", "--model", tiny, "--max-new-tokens", "12", *extra) == 0
        captured = capsys.readouterr()
        outputs.append(captured.out)
        assert re.search(r"12 tokens in .* tok/s\), acceptance length \d\.\d\d", captured.err)
    assert outputs[0] == outputs[1]


def test_evaluate_takes_a_file_and_flags_win(tiny, drafter, tmp_path, capsys):
    path, out = tmp_path / "e.yaml", tmp_path / "out"
    path.write_text(
        f"model: {tiny}\ntasks: [qa, maths]\ndecoders: [autoregressive, eagle2]\ndrafter: {{eagle2: {drafter}}}\n"
        "options: {eagle2: {total_tokens: 6}}\nlimit: 7\nmax_new_tokens: 6\n"
    )
    arguments = ["evaluate", "--config", str(path), "--limit", "1", "--output_path", str(out)]
    assert status(*arguments) == 0
    assert "identical 2/2" in capsys.readouterr().out
    assert (out / "LEADERBOARD.md").is_file()
    assert status(*arguments) == 0
    assert "done before" in capsys.readouterr().err
    assert status("ls", str(out)) == 0
    assert "4 records" in capsys.readouterr().out
    assert status("report", str(out), "--output", str(tmp_path / "again")) == 0
    assert (tmp_path / "again" / "leaderboard.csv").read_bytes() == (out / "leaderboard.csv").read_bytes()


LEARN = [
    *("train-student", "uniform_rationales", "--questions", "4", "--dev-questions", "2", "--questions-per-step", "2"),
    *("--gradient-tokens", "900", "--evaluations", "1", "--max-length", "4096"),
]


def test_train_student_makes_a_model_once_from_flags_or_a_file(tiny, tmp_path, capsys):
    out = tmp_path / "student"
    assert status(*LEARN, "--model", tiny, "--output", str(out)) == 0
    assert capsys.readouterr().out.strip() == str(out)
    first = (out / "distillation.json").read_bytes()
    assert status(*LEARN, "--model", tiny, "--output", str(out)) == 0
    assert (out / "distillation.json").read_bytes() == first
    path = tmp_path / "recipe.yaml"
    path.write_text(
        f"method: uniform_rationales\nmodel: {tiny}\ncorpus: {{questions: 4, dev_questions: 2}}\noutput: {out}\n"
        "training: {gradient_tokens: 1, questions_per_step: 2, evaluations: 1, max_length: 4096}\n"
    )
    assert status("train-student", "--config", str(path), "--gradient-tokens", "900") == 0
    assert (out / "distillation.json").read_bytes() == first, "flags win over the file"
    capsys.readouterr()
    assert status("train-student", "--config", str(path)) == 2
    assert "expected a new folder or this student, got another one" in capsys.readouterr().err
    assert status("generate", "hi", "--model", str(out), "--max-new-tokens", "2") == 0


@pytest.mark.slow
def test_train_student_in_two_processes_makes_one_student(tiny, tmp_path):
    out = tmp_path / "student"
    command = [sys.executable, "-m", "offbook.harness.cli", *LEARN, "--model", tiny, "--output", str(out)]
    done = subprocess.run([*command, "--processes", "2"], capture_output=True, text=True, env=ENVIRON, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (out / "distillation.json").is_file()
    assert done.stderr.count("training uniform_rationales on 4 questions") == 2, "the launcher and the first process"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "train-student: expected settings by name, got nothing; write them as `name: value`"),
        ("# method: mind\n", "train-student: expected settings by name, got nothing"),
        ("[mind]", "train-student: expected settings by name, got ['mind']"),
        (
            "method: mind\ncorpus: my.jsonl",
            "train-student: corpus: expected settings by name, got 'my.jsonl'",
        ),
        ("method: mind\ncorpus: [my.jsonl]", "train-student: corpus: expected settings by name, got ['my.jsonl']"),
    ],
)
def test_a_recipe_that_names_no_settings_is_refused(content, complaint, tmp_path, capsys):
    path = tmp_path / "recipe.yaml"
    path.write_text(content)
    assert status("train-student", "--config", str(path), "--questions", "64") == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert len(said.strip().splitlines()) == 1


def test_ls_names_what_there_is(capsys):
    assert status("ls") == 0
    out = capsys.readouterr().out
    for name in ("jakiro", "mind", "summarisation", "laptop", "smollm2-135m-instruct"):
        assert name in out
