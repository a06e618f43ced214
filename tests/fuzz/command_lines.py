"""Command lines as people mistype them: every command, every option, values of the right kind and of all others.

What would be long by right (many documents, long training) is bounded by options at the end, of which the last wins.
"""

import random
from collections.abc import Sequence

JUNK = (
    *("", " ", "-", "--", "---", "=", ".", "..", "/", "~", "~nobodyx", "~nobodyx/a", "*", "?", "null", "None", "nan"),
    *(
        "inf",
        "-inf",
        "1e999",
        "-1",
        "0",
        "1",
        "00",
        "1.5",
        "1e3",
        "0x10",
        "9" * 30,
        "9" * 5000,
        "true",
        "yes",
        "\0",
        "a\0b",
    ),
    *(
        "a\nb",
        "\x1b[31m",
        "\ud800",
        "é",
        "你好",
        "\u202e",
        "\ufeff",
        "x" * 300,
        "x" * 100_000,
        "[",
        "{",
        "[]",
        "{}",
        "[" * 2000,
    ),
    *(
        "a: b",
        "&a [*a]",
        "!!python/object:os.system",
        "{{7*7}}",
        "$(id)",
        "`id`",
        "%s%n",
        "a,b",
        ",",
        ",,",
        "a=b",
        "a.b=c",
    ),
    *(
        "../../../../etc/passwd",
        "/dev/null",
        "/dev/full",
        "/proc/self/mem",
        "nowhere",
        "model/config.json",
        "model",
        "cwd",
    ),
    *(
        "https://example.invalid/x",
        "file:///etc/passwd",
        "a/b/c",
        "a" * 200 + "/b",
        "\\",
        "'",
        '"',
        "😀",
        "--help",
        "-h",
    ),
)
MODELS = (
    "model",
    "model",
    "model",
    "./model",
    "drafter",
    "store",
    "nowhere",
    "smollm2-135m-instruc",
    "a/b",
    "corpus.jsonl",
)
DECODERS = (
    *(
        "autoregressive",
        "prompt_lookup",
        "suffix",
        "token_recycling",
        "ngram_table",
        "lookup_else_eagle2",
        "speculative_sampling",
        "medusa",
        "medusa_typical",
        "eagle",
        "eagle2",
        "eagle3",
    ),
    *("jakiro", "jakiro_decoupled", "hf_generate", "hf_prompt_lookup", "hf_assisted", "eagl"),
)
OUTPUTS = (
    "../out/a",
    "../out/a",
    "../out/b/c",
    "~/out",
    "model/config.json",
    "model/config.json/x",
    "/proc/nowhere/x",
    "/dev/full",
)
FILES = (
    "corpus.jsonl",
    "rows.jsonl",
    "asked.jsonl",
    "questions.jsonl",
    "evaluate.yaml",
    "student.yaml",
    "profile.yaml",
    "nowhere",
)
NUMBERS = ("0", "1", "2", "3", "7", "-1", "1.5", "1e3", "many", "9223372036854775808", "")
RATES = ("0", "1e-4", "0.7", "1", "-1", "2", "nan", "inf", "1e-40", "1e999", "x")
OPTIONS = (
    *("prompt_lookup.num_tokens=4", "prompt_lookup.num_tokens=true", "prompt_lookup.max_ngram='3'", "num_tokens=1e3"),
    *(
        "eagle2.total_tokens=4",
        "speculative_sampling.draft=model",
        "speculative_sampling.draft=nowhere",
        "hf_assisted.layers=99",
        "eagle2.total_tokens=[]",
        "eagle2.depth=99999999999",
        "beta=0.5",
        "tau=nan",
        "a",
        ".=",
        "=",
        "a.b=",
    ),
)
SETTINGS = (
    *(
        "training.gradient_tokens=5",
        "drafters.epochs=0",
        "seeds=[0,1]",
        "decoders.eagle2={}",
        "temperatures.0.top_k=-1",
    ),
    *("a", "a.b.c=1", "models={}", "slurm_partition=gpu", "cluster=cloud", "=", "suites.qa=[", "description=\n"),
)
COMMANDS: dict[str, tuple[tuple[tuple[str, ...], ...], dict[str, tuple[str, ...]], tuple[str, ...]]] = {
    # arguments by place; options; bounds
    "generate": (
        (("hi", "What is 1 + 1?", "-", "x" * 2000, "你好"),),
        {
            **{"--decoder": DECODERS, "--drafter": ("drafter", "model", "nowhere"), "--option": OPTIONS},
            **{
                "--temperature": RATES,
                "--top-k": NUMBERS,
                "--top-p": RATES,
                "--seed": NUMBERS,
                "--revision": ("main", ""),
            },
            **{"--dtype": ("float32", "bfloat16", "int4"), "--device": ("cpu", "auto", "cuda", "meta", "cuda:99")},
            **{"--apply-chat-template": (), "--no-chat-template": (), "--model": MODELS},
        },
        ("--max-new-tokens", "3"),
    ),
    "evaluate": (
        (),
        {
            **{"--config": FILES, "--decoders": (*DECODERS, "autoregressive,prompt_lookup", "autoregressive,,", ",")},
            **{
                "--tasks": ("qa", "maths", "qa,maths", "offbook_qa", "qaa", "math s", "offbook_", "qa,,"),
                "--option": OPTIONS,
            },
            **{
                "--drafter": ("eagle2=drafter", "eagle2=nowhere", "eagle2=", "=drafter", "drafter"),
                "--temperature": RATES,
            },
            **{
                "--top-k": NUMBERS,
                "--top-p": RATES,
                "--seed": NUMBERS,
                "--dtype": ("float32", "int4"),
                "--output": OUTPUTS,
            },
            **{
                "--device": ("cpu", "cuda"),
                "--include-path": ("tasks", "nowhere", "model"),
                "--apply-chat-template": (),
            },
        },
        ("--limit", "1", "--max-new-tokens", "2"),
    ),
    "train-drafter": (
        (("eagle2", "jakiro", "prompt_lookup", "eagl2"),),
        {
            **{
                "--answers": ("shipped", "regenerate", "both"),
                "--prompts": (*FILES, "questions.jsonl"),
                "--output": OUTPUTS,
            },
            **{
                "--features": ("cached", "online", "none"),
                "--learning-rate": RATES,
                "--seed": NUMBERS,
                "--device": ("cpu", "tpu"),
            },
            **{"--draft-vocab-size": ("16", "64", *NUMBERS), "--epochs": NUMBERS, "--limit": NUMBERS},
        },
        ("--limit", "2", "--epochs", "1", "--max-length", "32"),
    ),
    "import-drafter": (
        (("published", "published", "drafter", "model", "nowhere", "corpus.jsonl"),),
        {
            **{"--output": OUTPUTS, "--model": MODELS, "--dtype": ("float32", "bfloat16", "int4")},
            **{"--device": ("cpu", "tpu"), "--revision": ("main", "")},
        },
        (),
    ),
    "train-student": (
        (("single_rationale", "mind", "edit", "mode_cotd", "logit_kd", "medusa2", "mindd"),),
        {
            **{
                "--config": ("student.yaml", *FILES),
                "--corpus": (*FILES, "corpus.jsonl"),
                "--corpus-format": ("corpus", "rationale_rows"),
            },
            **{
                "--option": OPTIONS,
                "--learning-rate": RATES,
                "--lora-rank": NUMBERS,
                "--mixed-precision": ("no", "fp8"),
            },
            **{
                "--max-length": NUMBERS,
                "--seed": NUMBERS,
                "--device": ("cpu", "tpu"),
                "--output": OUTPUTS,
                "--tokens-per-step": NUMBERS,
            },
        },
        (
            *("--questions", "2", "--dev-questions", "1", "--gradient-tokens", "1", "--evaluations", "1"),
            *("--max-new-tokens", "1", "--processes", "1", "--questions-per-step", "1"),
        ),
    ),
    "tune": (
        (MODELS,),
        {
            **{"--decoders": (*DECODERS, "prompt_lookup,", ","), "--option": OPTIONS, "--temperature": RATES},
            **{"--drafter": ("eagle2=nowhere", "eagle2=", "=drafter", "drafter"), "--dtype": ("float32", "int4")},
            **{"--layout": ("packed", "prepacked", "paked", ""), "--output": OUTPUTS, "--device": ("cpu", "tpu")},
        },
        ("--temperature", "-1"),  # a tuning takes longer than a case may: all stop at this, or before
    ),
    "synthesize": (
        (),
        {
            **{
                "--teacher": ("procedural", "transformers", "human"),
                "--teacher-model": MODELS,
                "--judge-model": MODELS,
            },
            **{
                "--questions": ("asked.jsonl", *FILES),
                "--base-url": ("http://127.0.0.1:1", "x"),
                "--temperature": RATES,
                "--seed": NUMBERS,
            },
            **{
                "--licence": ("MIT", ""),
                "--dtype": ("float32", "x"),
                "--device": ("cpu", "x"),
                "--student": ("nowhere",),
            },
            **{
                "--output": (
                    "../out/c.jsonl",
                    "../out/c.jsonl",
                    "../out",
                    "~/out/c",
                    "model/config.json/x",
                    "/dev/full/x",
                )
            },
        },
        (
            *("--per-family", "1", "--limit", "1", "--attempts", "1", "--max-new-tokens", "2", "--target-size", "2"),
            *("--batch-size", "8", "--samples", "8"),
        ),
    ),
    "reproduce": (
        (),
        {
            "--profile": ("profile.yaml", *FILES, "labtop", "laptop.yaml"),
            **{
                "--output": OUTPUTS,
                "--fresh": (),
                "--set": SETTINGS,
                "--answers": ("shipped", "regenerate", "x"),
                "--device": ("cpu", "tpu"),
            },
        },
        (),
    ),
    "run": (
        (("profile.yaml", *FILES), ("suites.qa.limit=2", *SETTINGS)),
        {
            **{"--output": OUTPUTS, "--answers": ("shipped", "regenerate", "x"), "--device": ("cpu", "tpu")},
            **{"--executor": ("in-process", "auto", "slurm", "cloud"), "--workers": NUMBERS, "--dry-run": ()},
            **{"--slurm": SETTINGS, "--ray-address": ("auto", "x"), "--sink": ("wandb", "x")},
            "--include-path": ("tasks", "nowhere", "model"),
        },
        (),
    ),
    "status": ((("store", "model", "nowhere"),), {}, ()),
    "verify": ((("store", "model", "nowhere"),), {"--all": ()}, ()),
    "upgrade": ((("store", "model", "nowhere"),), {}, ()),
    "gc": ((("store", "model", "nowhere"),), {}, ()),
    "work": (
        (("store", "model", "nowhere"), ("0123456789ab", "0" * 64, "x")),
        {"--device": ("cpu", "tpu"), "--attempts": NUMBERS},
        (),
    ),
    "report": (
        (("store", "model", "nowhere"),),
        {"--output": OUTPUTS, "--readme": ("nowhere", "../out/README.md")},
        (),
    ),
    "ls": ((("store", "model", "nowhere"),), {}, ()),
    "analyse-latent": (
        (),
        {
            **{"--output": OUTPUTS, "--student": ("a=model", "a=nowhere", "=", "model"), "--corpus": FILES},
            **{"--encoder": MODELS, "--seed": NUMBERS, "--dtype": ("float32", "x"), "--device": ("cpu", "x")},
        },
        ("--questions", "2", "--base", "nowhere"),
    ),
    "lm-eval": ((("bogus", "--hel"),), {}, ()),
}
WITH_MODEL = ("generate", "evaluate", "train-drafter", "import-drafter", "train-student")
LONG_BY_RIGHT = ("lm-eval",)  # whatever follows it is another program's


def command_line(number: int) -> list[str]:
    """Command line `number` of the fuzzer, the same every time."""
    rng = random.Random(f"command line {number}")
    command = rng.choice([*COMMANDS, "generate", "evaluate", "synthesize", "train-drafter", "train-student"])
    places, options, bounds = COMMANDS[command]
    words = [rng.choice(values) if rng.random() < 0.85 else rng.choice(JUNK) for values in places]
    for name in rng.sample(sorted(options), k=min(len(options), rng.choice((0, 1, 1, 2, 2, 3, 5)))):
        words += [name] + ([_value(options[name], rng)] if options[name] else [])
    if "--output" in options and "--output" not in words and rng.random() < 0.8:
        words += ["--output", options["--output"][0]]
    if command in LONG_BY_RIGHT:
        return [command, *words]
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        words = _mutated(words, rng)
    if command in WITH_MODEL and "--model" not in words and rng.random() < 0.97:
        bounds = ("--model", "model", *bounds)
    if rng.random() < 0.02:
        command = rng.choice(JUNK)
    return [command, *words, *bounds]


def _value(values: Sequence[str], rng: random.Random) -> str:
    return rng.choice(values) if rng.random() < 0.7 else rng.choice(JUNK)


def _mutated(words: list[str], rng: random.Random) -> list[str]:
    """One slip: a word left out, said twice, put elsewhere, cut short or replaced."""
    if not words:
        return [rng.choice(JUNK)]
    place = rng.randrange(len(words))
    before, word, after = words[:place], words[place], words[place + 1 :]
    slip = rng.randrange(6)
    if slip == 0:
        return [*before, *after]
    if slip == 1:
        return [*before, word, word, *after]
    if slip == 2:
        return [*after, word, *before]
    if slip == 3:
        return [*before, word[: rng.randrange(len(word) + 1)], *after]
    if slip == 4:
        return [*before, rng.choice(JUNK), *after]
    return [*before, word, rng.choice(JUNK), *after]
