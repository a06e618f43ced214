"""The command line, `offbook`. What a command needs is imported when it runs, so that `--help` answers at once.

Exit status: 0; 1 where something was measured and found wanting (an answer that is not the target's, a result that
differs from the committed one); 2 for a mistake in what was asked, told in one line; others in `exits.py`. Option names
are lm-eval's where they mean the same, with dashes or underscores.
"""

import contextlib
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
import typer.core

from offbook.engine.children import safe_children
from offbook.engine.encoding import check_text
from offbook.engine.paths import user_path
from offbook.engine.progress import Silent
from offbook.engine.progress import progress as bar
from offbook.engine.quoting import quoted_path
from offbook.engine.threads import settle_threads
from offbook.harness.cli.console import (
    quiet,
    resumable,
    standard_input,
    store_folder,
    table_folder,
    terminal,
    writable_folder,
    write_out,
)
from offbook.harness.cli.exits import MISTAKE, ended, told
from offbook.harness.cli.run import run as run_matrix
from offbook.harness.cli.status import status
from offbook.harness.cli.strict_command import StrictCommand


class Commands(typer.core.TyperGroup):
    """The commands; typer itself would end at Ctrl-C and at a closed pipe without a word to `exits`."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Reads the options before the command, and prints help."""
        with told():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Runs the command that was asked for."""
        with told():
            return super().invoke(ctx)


app = typer.Typer(
    name="offbook",
    cls=Commands,
    help="Benchmarks distillation and speculative decoding: accuracy, acceptance and speed, baselines beside them.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

MODEL = "smollm2-135m-instruct"
Model = Annotated[str, typer.Option("--model", help="Alias, local folder, or Hugging Face id.")]
Revision = Annotated[str | None, typer.Option("--revision", help="Branch, tag or commit of a Hugging Face id.")]
DType = Annotated[str, typer.Option("--dtype", help="float32, bfloat16, float16 or float64.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
LARGEST_SEED = 2**63 - 1  # torch's
Seed = Annotated[int, typer.Option("--seed", min=0, max=LARGEST_SEED, help="Seed of every random number.")]
Temperature = Annotated[float, typer.Option("--temperature", help="0 is greedy.")]
TopK = Annotated[int, typer.Option("--top-k", "--top_k", help="0 keeps every token.")]
TopP = Annotated[float, typer.Option("--top-p", "--top_p", help="1 keeps every token.")]
Answers = Annotated[
    Literal["shipped", "regenerate"], typer.Option("--answers", help="The target's answers to train on.")
]
Output = Annotated[Path | None, typer.Option("--output", "--output-path", "--output_path", callback=writable_folder)]
StoreOutput = Annotated[Path | None, typer.Option("--output", "--output-path", "--output_path", callback=store_folder)]


def _path(path: Path | None) -> Path | None:
    return None if path is None else user_path(path)


def _folder(path: Path | None) -> Path | None:
    folder = _path(path)
    if folder is not None and not folder.is_dir():
        msg = f"expected a folder, got {quoted_path(path)}, which is none"
        raise typer.BadParameter(msg)
    return folder


def _new_file(path: Path) -> Path:
    file = user_path(path, what="--output")
    if file.is_dir():
        msg = f"expected a file, got the folder {quoted_path(path)}"
        raise typer.BadParameter(msg)
    return file


Config = Annotated[Path | None, typer.Option("--config", callback=_path, help="YAML with any of these settings.")]
OptionSettings = Annotated[
    list[str] | None, typer.Option("--option", metavar="DECODER.NAME=VALUE", help="A decoder's setting; repeatable.")
]
DrafterFolders = Annotated[
    list[str] | None, typer.Option("--drafter", metavar="DECODER=FOLDER", help="A trained drafter; repeatable.")
]


def _version(wanted: bool) -> None:
    if wanted:
        from offbook import __version__

        typer.echo(f"offbook {__version__}")
        raise typer.Exit


@app.callback()
def offbook(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Benchmarks distillation and speculative decoding: accuracy, acceptance and speed, baselines beside them."""


@app.command(cls=StrictCommand)
def generate(
    prompt: Annotated[str, typer.Argument(help="What to say to the model; - reads standard input.")],
    model: Model = MODEL,
    decoder: Annotated[str, typer.Option("--decoder", help="Who decodes; see `offbook ls`.")] = "autoregressive",
    drafter: Annotated[
        Path | None, typer.Option("--drafter", callback=_path, help="Folder of the decoder's trained drafter.")
    ] = None,
    option: OptionSettings = None,
    max_new_tokens: Annotated[int, typer.Option("--max-new-tokens", "--max_new_tokens", min=1)] = 128,
    temperature: Temperature = 0.0,
    top_k: TopK = 0,
    top_p: TopP = 1.0,
    seed: Seed = 0,
    chat_template: Annotated[
        bool | None, typer.Option("--apply-chat-template/--no-chat-template", help="By default where there is one.")
    ] = None,
    dtype: DType = "float32",
    device: Device = "auto",
    revision: Revision = None,
) -> None:
    """Answer one prompt, streaming.

    The text appears as it is committed; speed and acceptance follow on standard error.
    """
    from offbook.engine.decoding.sampling import Sampling
    from offbook.harness.cli.flags import parse_options
    from offbook.harness.cli.stream import account
    from offbook.harness.cli.stream import generate as answer
    from offbook.harness.roster.arms import build_arms
    from offbook.harness.roster.decoders import contender
    from offbook.harness.roster.target import load_target

    contender(decoder)
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p)
    text = standard_input() if prompt == "-" else prompt
    check_text(text, "the prompt")
    options = parse_options([o if o.startswith(f"{decoder}.") else f"{decoder}.{o}" for o in option or []])
    quiet()
    target = load_target(model, dtype=dtype, device=device, revision=revision)
    folders = {} if drafter is None else {decoder: drafter}
    (arm,) = build_arms(target, [decoder], options=options, drafter_folders=folders)
    generation = answer(
        target,
        arm,
        text,
        sampling=sampling,
        max_new_tokens=max_new_tokens,
        seed=seed,
        chat_template=target.has_chat_template if chat_template is None else chat_template,
        write=write_out,
    )
    typer.echo()
    typer.echo(f"{decoder}: {account(generation)}", err=True)


@app.command(cls=StrictCommand)
def evaluate(
    config: Config = None,
    model: Annotated[str | None, typer.Option("--model", help=f"Alias, folder or id; by default {MODEL}.")] = None,
    tasks: Annotated[str | None, typer.Option("--tasks", "--suite", help="Suites, comma-separated.")] = None,
    decoders: Annotated[str | None, typer.Option("--decoders", help="Comma-separated; see `offbook ls`.")] = None,
    drafter: DrafterFolders = None,
    option: OptionSettings = None,
    temperature: Annotated[float | None, typer.Option("--temperature", help="0 is greedy.")] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", "--top_k")] = None,
    top_p: Annotated[float | None, typer.Option("--top-p", "--top_p")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, max=LARGEST_SEED)] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Documents of each suite, from the first.")
    ] = None,
    max_new_tokens: Annotated[int | None, typer.Option("--max-new-tokens", "--max_new_tokens", min=1)] = None,
    chat_template: Annotated[bool | None, typer.Option("--apply-chat-template/--no-chat-template")] = None,
    dtype: Annotated[str | None, typer.Option("--dtype", help="By default float32.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda.")] = None,
    revision: Revision = None,
    output: Annotated[str | None, typer.Option("--output", "--output-path", "--output_path")] = None,
    include_path: Annotated[
        Path | None,
        typer.Option(
            "--include-path",
            "--include_path",
            callback=_folder,
            help="A folder with more suites. It is code, and what its Python says is run: trust it first.",
        ),
    ] = None,
) -> None:
    """Compare decoders on suites.

    One heat a suite: every decoder on every document, interleaved, scored by lm-eval.
    """
    from offbook.harness.roster.decoders import contender
    from offbook.harness.settings.profile import EvaluateSpec, load_config

    file = load_config(config, EvaluateSpec) if config else EvaluateSpec()
    from offbook.harness.artifacts.folders import new_folder
    from offbook.harness.cli.flags import parse_drafters, parse_options
    from offbook.harness.matrix.evaluate import evaluate as run
    from offbook.harness.matrix.evaluate import merge
    from offbook.harness.tables.report import report as show

    flags = {
        "model": model,
        "tasks": tasks,
        "decoders": None if decoders is None else [name.strip() for name in decoders.split(",")],
        "drafter": parse_drafters(drafter or []),
        "options": parse_options(option or []),
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "seed": seed,
        "limit": limit,
        "max_new_tokens": max_new_tokens,
        "apply_chat_template": chat_template,
        "dtype": dtype,
        "device": device,
        "revision": revision,
        "output": output,
    }
    spec = merge(file, flags)
    for name in spec.decoders or ():
        contender(name)
    folder = store_folder(Path(spec.output)) if spec.output else new_folder("evaluate")
    spec = spec.model_copy(update={"output": str(folder)})
    quiet()
    with resumable(folder):
        with bar() as progress:
            done = run(spec, progress, include_path=include_path)
        show(done.folder, console=terminal())
    typer.echo(f"records and leaderboard in {done.folder}", err=True)
    raise typer.Exit(0 if done.lossless else 1)


@app.command("train-drafter", cls=StrictCommand)
def train_drafter(
    name: Annotated[str, typer.Argument(help="Whose drafter; `offbook ls` marks those that are trained.")],
    model: Model = MODEL,
    output: Output = None,
    answers: Answers = "shipped",
    prompts: Annotated[
        str | None, typer.Option("--prompts", help="A question.jsonl or an lm-eval task instead of the own prompts.")
    ] = None,
    features: Annotated[
        Literal["cached", "online"], typer.Option("--features", help="Keep the target's features on disk, or not.")
    ] = "cached",
    limit: Annotated[int | None, typer.Option("--limit", min=2, help="Answers to train on; by default all.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1)] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", "--batch_size", min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", "--learning_rate")] = None,
    draft_vocab_size: Annotated[int | None, typer.Option("--draft-vocab-size", "--draft_vocab_size", min=1)] = None,
    max_length: Annotated[int | None, typer.Option("--max-length", "--max_length", min=8)] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, max=LARGEST_SEED)] = None,
    device: Device = "auto",
    revision: Revision = None,
) -> None:
    """Train a drafter.

    It learns from the target's own answers; after an interruption the same command goes on.
    """
    from offbook.harness.artifacts.train_drafter import train
    from offbook.harness.settings.profile import TrainingSpec, parse

    settings = {
        "answers": limit,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "draft_vocab_size": draft_vocab_size,
        "max_length": max_length,
        "seed": seed,
    }
    spec = parse(TrainingSpec, {k: v for k, v in settings.items() if v is not None}, source="command line")
    quiet()
    with bar() as progress, resumable():
        folder = train(
            name,
            model,
            spec,
            progress,
            answers=answers,
            prompts=prompts,
            features=features,
            output=output,
            device=device,
            revision=revision,
        )
    typer.echo(str(folder))


@app.command("train-student", cls=StrictCommand)
def train_student(
    method: Annotated[str | None, typer.Argument(help="How it learns; see `offbook ls`.")] = None,
    config: Config = None,
    model: Annotated[str | None, typer.Option("--model", help=f"Alias, folder or id; by default {MODEL}.")] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", help="A corpus in JSON Lines; by default the procedural one.")
    ] = None,
    corpus_format: Annotated[
        Literal["corpus", "rationale_rows"] | None, typer.Option("--corpus-format", "--corpus_format")
    ] = None,
    questions: Annotated[int | None, typer.Option("--questions", min=1, help="To train on; by default 256.")] = None,
    dev_questions: Annotated[
        int | None, typer.Option("--dev-questions", "--dev_questions", min=1, help="To choose the checkpoint by.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="A setting of the method; repeatable.")
    ] = None,
    encoder: Annotated[str | None, typer.Option("--encoder", help="Text encoder, for mind.")] = None,
    gradient_tokens: Annotated[int | None, typer.Option("--gradient-tokens", "--gradient_tokens", min=1)] = None,
    questions_per_step: Annotated[
        int | None, typer.Option("--questions-per-step", "--questions_per_step", min=1)
    ] = None,
    tokens_per_step: Annotated[
        int | None, typer.Option("--tokens-per-step", "--tokens_per_step", min=0, help="Gradient tokens, at least.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", "--learning_rate")] = None,
    lora_rank: Annotated[int | None, typer.Option("--lora-rank", "--lora_rank", min=0, help="0: all weights.")] = None,
    mixed_precision: Annotated[
        Literal["auto", "no", "bf16"] | None,
        typer.Option("--mixed-precision", "--mixed_precision", help="auto: bf16 where the machine has it in hardware."),
    ] = None,
    evaluations: Annotated[int | None, typer.Option("--evaluations", min=1)] = None,
    max_length: Annotated[int | None, typer.Option("--max-length", "--max_length", min=8)] = None,
    max_new_tokens: Annotated[
        int | None,
        typer.Option("--max-new-tokens", "--max_new_tokens", min=1, help="Of a development answer; by default 128."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, max=LARGEST_SEED)] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda.")] = None,
    processes: Annotated[int | None, typer.Option("--processes", min=1, help="Through accelerate.")] = None,
    output: Output = None,
) -> None:
    """Train a student.

    It learns from a rationale corpus; after an interruption the same command goes on.
    """
    from offbook.harness.artifacts.train_student import merge
    from offbook.harness.artifacts.train_student import train_student as train
    from offbook.harness.cli.flags import parse_named
    from offbook.harness.settings.profile import load_yaml

    flags = {
        "method": method,
        "model": model,
        "corpus": {
            "source": corpus,
            "format": corpus_format,
            "questions": questions,
            "dev_questions": dev_questions,
        },
        "options": parse_named(option or []),
        "training": {
            "gradient_tokens": gradient_tokens,
            "questions_per_step": questions_per_step,
            "tokens_per_step": tokens_per_step,
            "learning_rate": learning_rate,
            "lora_rank": lora_rank,
            "mixed_precision": mixed_precision,
            "evaluations": evaluations,
            "max_length": max_length,
        },
        "encoder": encoder,
        "max_new_tokens": max_new_tokens,
        "seed": seed,
        "device": device,
        "processes": processes,
        "output": None if output is None else str(output),
    }
    spec = merge(load_yaml(config) if config else {}, flags)
    quiet()
    with bar() as progress, resumable():
        folder = train(spec, progress)
    typer.echo(str(folder))


@app.command(cls=StrictCommand)
def synthesize(
    output: Annotated[
        Path,
        typer.Option("--output", "--output-path", "--output_path", callback=_new_file, help="The corpus, JSON Lines."),
    ],
    teacher: Annotated[
        Literal["procedural", "transformers", "openai"],
        typer.Option("--teacher", help="Rules; a model run here; a model behind an OpenAI-compatible server."),
    ] = "procedural",
    teacher_model: Annotated[str | None, typer.Option("--teacher-model", "--teacher_model")] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", "--base_url", help="Of the server; the key is OPENAI_API_KEY.")
    ] = None,
    judge_model: Annotated[
        str | None, typer.Option("--judge-model", "--judge_model", help="Reads what arrives at the gold answer.")
    ] = None,
    student: Annotated[
        str | None, typer.Option("--student", help="Measure difficulty with this model; off by default.")
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            "--questions", callback=_path, help="JSON Lines with id, question, answer; by default procedural."
        ),
    ] = None,
    per_family: Annotated[
        int, typer.Option("--per-family", "--per_family", min=1, help="Procedural questions of each family.")
    ] = 160,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Questions, from the first.")] = None,
    attempts: Annotated[int, typer.Option("--attempts", min=1, help="In all, for a rationale that is rejected.")] = 4,
    target_size: Annotated[
        int, typer.Option("--target-size", "--target_size", min=1, help="Questions to keep; hard ones stay beyond it.")
    ] = 497,
    samples: Annotated[int, typer.Option("--samples", min=8, help="Of the student, for pass@8.")] = 8,
    seed: Seed = 0,
    temperature: Annotated[float, typer.Option("--temperature", min=0, help="Of the teacher.")] = 0.7,
    max_new_tokens: Annotated[int, typer.Option("--max-new-tokens", "--max_new_tokens", min=1)] = 512,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Requests to the server at once.")] = 8,
    batch_size: Annotated[
        int, typer.Option("--batch-size", "--batch_size", min=1, help="Requests to a model run here at once.")
    ] = 16,
    licence: Annotated[
        str, typer.Option("--licence", help="Of what the model writes; recorded with each rationale.")
    ] = "unstated",
    device: Device = "auto",
    dtype: DType = "float32",
) -> None:
    """Make a rationale corpus.

    A teacher explains questions from eight perspectives; after an interruption the same command goes on.
    """
    from offbook.harness.artifacts.synthesize import SynthesisSpec
    from offbook.harness.artifacts.synthesize import synthesize as run

    writable_folder(output.parent)
    spec = SynthesisSpec(
        teacher=teacher,
        output=output,
        teacher_model=teacher_model,
        judge_model=judge_model,
        student=student,
        base_url=base_url,
        questions=questions,
        per_family=per_family,
        limit=limit,
        attempts=attempts,
        target_size=target_size,
        samples=samples,
        seed=seed,
        temperature=temperature,
        max_new_tokens=max_new_tokens,
        workers=workers,
        batch_size=batch_size,
        licence=licence,
        device=device,
        dtype=dtype,
    )
    quiet()
    with bar() as progress, resumable():
        run(spec, progress)
    typer.echo(str(output))


@app.command(cls=StrictCommand)
def reproduce(
    profile: Annotated[
        str, typer.Option("--profile", help="A profile's name, or a YAML file; see `offbook ls`.")
    ] = "laptop",
    output: StoreOutput = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Resume nothing.")] = False,
    answers: Answers = "shipped",
    device: Device = "auto",
) -> None:
    """Run a whole profile again.

    From model to leaderboard, held against the committed one; an unfinished run is resumed.
    """
    from offbook.harness.roster.decoders import contender
    from offbook.harness.settings.profiles import load_profile

    name, content = load_profile(profile)
    for decoder in content.decoders:
        contender(decoder)
    from offbook.harness.matrix.folders import open_run
    from offbook.harness.matrix.reproduce import check_machine, verdict_lines
    from offbook.harness.matrix.reproduce import reproduce as run
    from offbook.harness.matrix.students import plan_half
    from offbook.harness.suites.requests import find_suites
    from offbook.harness.tables.report import report as show

    check_machine(content, device)  # this and what follows before there is a folder
    find_suites(list(content.suites))
    if content.students is not None:
        plan_half(content, Silent())
    folder, resumed = open_run(name, content, output=output, fresh=fresh)
    typer.echo(f"{'resuming' if resumed else 'running'} profile {name} in {folder}", err=True)
    quiet()
    with resumable(folder):
        with bar() as progress:
            verdicts = run(content, folder, progress, answers=answers, device=device)
        show(folder, console=terminal())
    for line in verdict_lines(verdicts):
        typer.echo(line, err=True)
    typer.echo(f"records and tables in {folder}", err=True)
    raise typer.Exit(1 if verdicts.differs else 0)


@app.command(cls=StrictCommand)
def report(
    store: Annotated[Path, typer.Argument(callback=_path, help="A folder with records.")],
    output: Output = None,
    readme: Annotated[
        Path | None, typer.Option("--readme", callback=_path, help="A README whose tables are renewed too.")
    ] = None,
) -> None:
    """Write the tables of a store.

    LEADERBOARD.md and STUDENTS.md with their CSV files, derived from its records and exams and nothing else.
    """
    from offbook.harness.tables.report import report as write

    table_folder(output or store)
    write(store, output, readme, console=terminal())


@app.command(cls=StrictCommand)
def rescore(store: Annotated[Path, typer.Argument(callback=_path, help="A folder with records.")]) -> None:
    """Score the answers of a store again, without a model.

    Records and exams of an older version keep their texts, tokens and times, and get the scores that this version
    gives; each notes what it was made from. Suites whose documents are not at hand are left as they are, and named.
    Write the tables anew with `offbook report` then.
    """
    from offbook.harness.tables.report import check_store
    from offbook.harness.trials.rescore import rescore as score

    check_store(store)
    with bar() as progress, resumable():
        done = score(store, progress)
    for moved in done.moved:
        typer.echo(f"{moved.name}: {moved.before:.3f} -> {moved.after:.3f}")
    for name, reason in done.left.items():
        typer.echo(f"left as it is: {name}: {reason}", err=True)
    typer.echo(f"{len(done.moved)} scored again, {len(done.left)} left as they are", err=True)


@app.command("ls", cls=StrictCommand)
def list_(store: Annotated[Path | None, typer.Argument(callback=_path, help="A folder with records.")] = None) -> None:
    """List what there is, or what a store holds.

    Without a store: decoders, suites, profiles and models.
    """
    if store is None:
        from offbook.harness.cli.listing import listing

        typer.echo(listing())
    else:
        from offbook.harness.tables.report import list_records

        list_records(store, console=terminal())


@app.command(
    "lm-eval",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def lm_eval(context: typer.Context) -> None:
    """Run lm-eval with offbook's model and tasks.

    Everything else is lm-eval's own command line.
    """
    from offbook.harness.interchange.lm_eval_cli import run

    run(context.args)


@app.command("analyse-latent", cls=StrictCommand)
def analyse_latent(
    output: Annotated[
        Path, typer.Option("--output", "--output-path", "--output_path", callback=writable_folder, help="A folder.")
    ],
    base: Annotated[
        str, typer.Option("--base", help="The untouched model: alias, folder, or Hugging Face id.")
    ] = MODEL,
    student: Annotated[
        list[str] | None, typer.Option("--student", metavar="NAME=FOLDER", help="A student of it; repeatable.")
    ] = None,
    corpus: Annotated[
        Path | None,
        typer.Option("--corpus", callback=_path, help="Rationales, JSON Lines; by default procedural ones."),
    ] = None,
    questions: Annotated[
        int, typer.Option("--questions", min=2, help="Questions to read; as many other texts of each kind.")
    ] = 48,
    encoder: Annotated[
        str, typer.Option("--encoder", help="Text encoder, a control: alias, folder, or id.")
    ] = "all-minilm-l6-v2",
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31, help="Of folds, mixture and maps.")] = 0,
    device: Device = "auto",
    dtype: DType = "float32",
) -> None:
    """Analyse what perspectives leave in students.

    Hidden states of students and their base model: tables and pictures; after an interruption the same command goes on.
    """
    from offbook.harness.latent.analysis import LatentSpec, analyse, parse_students

    spec = LatentSpec(
        base=base,
        students=parse_students(student or []),
        corpus=corpus,
        questions=questions,
        encoder=encoder,
        output=output,
        device=device,
        dtype=dtype,
        seed=seed,
    )
    quiet()
    with bar() as progress, resumable():
        path = analyse(spec, progress)
    typer.echo(str(path))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def work(context: typer.Context) -> None:
    """Do one stage of a run."""
    from offbook.harness.cli.work import run

    raise typer.Exit(run(context.args))


app.command("run", cls=StrictCommand)(run_matrix)
app.command(cls=StrictCommand)(status)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs the command line and exits."""
    settle_threads()
    given = sys.argv[1:] if arguments is None else arguments

    def run() -> object:
        for place, argument in enumerate(given, start=1):
            check_text(argument, f"argument {place}")
        if not given:  # which is no command: status 2, as other tools have it
            with contextlib.redirect_stdout(sys.stderr):
                app(["--help"], prog_name="offbook", standalone_mode=False)
            return MISTAKE
        return app(given, prog_name="offbook", standalone_mode=False)

    with safe_children():
        end = ended(run, given)
    sys.exit(end)


if __name__ == "__main__":
    main()
