"""Command lines as people mistype them: every command, every option, values of the right kind and of all others.

What would be long by right (many documents, long training) is bounded by options at the end, of which the last wins.
"""

import random
from collections.abc import Sequence

from tests.fuzz.keyed import pick, share, some
from tests.fuzz.values import DECODERS, FILES, JUNK, MODELS, NUMBERS, OPTIONS, OUTPUTS, RATES, RECORD, SETTINGS

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
        (("single_rationale", "mind", "edit", "mode_cotd", "logit_kd", "mindd"),),
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
    "certify": (
        (("prompt_lookup", "hf_generate", "eagle2", "drafter", "published", "model", "nowhere", "a:b", "os:sep"),),
        {
            **{"--drafter": ("drafter", "model", "nowhere"), "--option": OPTIONS, "--seed": NUMBERS},
            **{"--top-k": NUMBERS, "--top-p": RATES, "--tokens": NUMBERS, "--draws": NUMBERS, "--sequences": NUMBERS},
            **{"--model": MODELS, "--dtype": ("float32", "bfloat16", "int4"), "--revision": ("main", "")},
            **{"--layout": ("prepacked", "paked", ""), "--output": OUTPUTS, "--device": ("cpu", "tpu")},
        },
        ("--limit", "1", "--max-new-tokens", "2", "--temperature", "0"),  # draws take longer than a case may
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
    "export": (
        (
            ("kernel", "kernels", "drafter", "card", "lm-eval", "every-eval-ever", "aiperf"),
            ("topk_logprobs", "packed_linear", "topk", "", "store", RECORD, "drafter", "published", "model", "nowhere"),
        ),
        {
            **{"--output": OUTPUTS, "--records": ("store", "model", "nowhere"), "--organisation": ("Me", "")},
            "--certificate": FILES,
        },
        (),
    ),
    "push": (
        (("drafter", "published", "model", "nowhere"), ("a/b", "b", "a/b/c", "")),
        {"--records": ("store", "model", "nowhere"), "--certificate": FILES, "--public": ()},
        ("--mirror", "../out/hub", "--dry-run"),  # nothing is ever sent
    ),
    "work": (
        (("store", "model", "nowhere"), ("0123456789ab", "0" * 64, "x")),
        {"--device": ("cpu", "tpu"), "--attempts": NUMBERS},
        (),
    ),
    "report": (
        (("store", "model", "nowhere"),),
        {"--output": OUTPUTS, "--readme": ("nowhere", "../out/README.md"), "--plots": ()},
        (),
    ),
    "ls": ((("store", "model", "nowhere"),), {}, ()),
    "rescore": ((("store", "model", "nowhere"),), {}, ()),
    "compare": (
        ((RECORD, "store", "model", "nowhere", "0123456789ab"), (RECORD, "store", "model", "0" * 64, "")),
        {"--store": ("store", "nowhere", ""), "--json": ()},
        (),
    ),
    "show": (
        ((RECORD, RECORD, "store", "store/records", "store/manifest.json", "model/config.json", "nowhere"),),
        {"--document": NUMBERS, "--model": MODELS, "--rounds": ()},
        (),
    ),
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
WITH_MODEL = ("generate", "evaluate", "train-drafter", "import-drafter", "train-student", "certify")
LONG_BY_RIGHT = ("lm-eval",)  # whatever follows it is another program's
OFTEN = ("generate", "evaluate", "synthesize", "train-drafter", "train-student")  # twice as often as others


def command_line(number: int) -> list[str]:
    """Command line `number` of the fuzzer, the same every time, whatever commands, options and values are added."""
    command = pick(f"command line {number}", [*COMMANDS, *OFTEN])
    places, options, bounds = COMMANDS[command]
    case = f"{command} {number}"
    words = [_value(f"{case} place {place}", values, 0.85) for place, values in enumerate(places)]
    count = min(len(options), random.Random(f"{case} options").choice((0, 1, 1, 2, 2, 3, 5)))
    for name in some(case, options, count):
        words += [name] + ([_value(f"{case} {name}", options[name], 0.7)] if options[name] else [])
    if "--output" in options and "--output" not in words and share(case, "output") < 0.8:
        words += ["--output", options["--output"][0]]
    if command in LONG_BY_RIGHT:
        return [command, *words]
    rng = random.Random(f"{case} slips")
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        words = _mutated(words, rng)
    if command in WITH_MODEL and "--model" not in words and share(case, "model") < 0.97:
        bounds = ("--model", "model", *bounds)
    if share(case, "another command") < 0.02:
        command = pick(f"{case} junk", JUNK)
    return [command, *words, *bounds]


def _value(case: str, values: Sequence[str], right: float) -> str:
    return pick(case, values) if share(case, "right") < right else pick(f"{case} junk", JUNK)


def _mutated(words: list[str], rng: random.Random) -> list[str]:
    """One slip: a word left out, said twice, put elsewhere, cut short or replaced."""
    junk = pick(f"slip {rng.random()}", JUNK)
    if not words:
        return [junk]
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
        return [*before, junk, *after]
    return [*before, word, junk, *after]
