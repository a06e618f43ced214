"""Files as disks, editors and people spoil them, each with the command that reads it."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fuzz.keyed import pick

KINDS: dict[str, tuple[tuple[str, ...], str]] = {
    # files, by pattern below the world's cwd; the command
    "configuration": (
        ("evaluate.yaml",),
        "evaluate --config evaluate.yaml --limit 1 --max-new-tokens 2 --model model --output ../out/a",
    ),
    "recipe": (
        ("student.yaml",),
        "train-student --config student.yaml --gradient-tokens 1 --model model --questions 2 --processes 1 "
        "--output ../out/student",
    ),
    "profile": (("profile.yaml",), "reproduce --profile profile.yaml --output ../out/run"),
    "corpus": (
        ("corpus.jsonl",),
        "train-student single_rationale --model model --corpus corpus.jsonl --questions 2 --dev-questions 1 "
        "--gradient-tokens 1 --evaluations 1 --max-new-tokens 1 --output ../out/student",
    ),
    "rationale rows": (
        ("rows.jsonl",),
        "train-student single_rationale --model model --corpus rows.jsonl --corpus-format rationale_rows --questions 2 "
        "--dev-questions 1 --gradient-tokens 1 --evaluations 1 --max-new-tokens 1 --output ../out/student",
    ),
    "questions": (
        ("asked.jsonl",),
        "synthesize --output ../out/c.jsonl --questions asked.jsonl --teacher transformers --teacher-model model "
        "--max-new-tokens 2 --attempts 1 --limit 1",
    ),
    "prompts": (
        ("questions.jsonl",),
        "train-drafter eagle2 --model model --prompts questions.jsonl --limit 2 --epochs 1 --max-length 32 "
        "--draft-vocab-size 16 --output ../out/drafter",
    ),
    "task": (
        ("tasks/fuzzed.yaml", "tasks/data.jsonl"),
        "evaluate --tasks fuzzed --include-path tasks --model model --limit 1 --max-new-tokens 2 --output ../out/a",
    ),
    "model": (("model/*",), "generate hi --model model --max-new-tokens 2"),
    "drafter": (
        ("drafter/*.json", "drafter/*.safetensors"),
        "generate hi --model model --decoder eagle2 --drafter drafter --max-new-tokens 4",
    ),
    "published draft": (("published/*",), "import-drafter published --model model --output ../out/drafter"),
    "records": (("store/records/*.json", "store/rows/*.jsonl"), "report store --output ../out/tables"),
}
LEAVES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        3,
        2**31,
        10**30,
        1.5,
        -0.0,
        1e308,
        "",
        "x",
        "é",
        "\ud800",
        "\0",
        "../../x",
        "~nobodyx",
    ),
    *([], [1], {}, {"a": 1}, [[]], "x" * 5000, "None", "nan", "1"),
)
TEXT = (
    *(
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"NaN",
        b"Infinity",
        b"1e999",
        b"9" * 5000,
        b"[" * 50_000,
        b'{"a":' * 50_000,
    ),
    *(
        b"\n",
        b"\r",
        b"\t",
        b" ",
        b"null",
        b"true",
        b'"',
        b"'",
        b"\\ud800",
        b"{{",
        b"{% for %}",
        b"!!python/object:x.y",
        b"&a ",
        b"*a",
    ),
    *(
        "\u2028".encode(),
        "é".encode("latin-1"),
        b"# ",
        b": ",
        b"- ",
        b"}",
        b"]",
        b",",
        b"---\n",
        b"%YAML 9\n",
        b"x" * 70_000,
    ),
)


def damage(number: int, root: Path) -> tuple[str, Path, bytes, str]:
    """Damage `number` to a file below `root`: its kind, the file, its new bytes, the command that reads it."""
    kind = pick(f"file {number}", [*KINDS])
    patterns, command = KINDS[kind]
    there = [place for pattern in patterns for place in root.glob(pattern) if place.is_file()]
    path = root / pick(f"{kind} {number}", sorted(place.relative_to(root).as_posix() for place in there))
    data, rng = path.read_bytes(), random.Random(f"{kind} {number} {path.name}")
    ways = [_cut, _flipped, _spliced, _spliced, _repeated, _recoded, _emptied]
    if path.suffix in (".json", ".jsonl"):
        ways += [_other_leaf] * 6
    return kind, path, rng.choice(ways)(data, rng), command


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def _flipped(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 4, 32))):
        # mostly near the beginning, where headers are
        changed[min(int(rng.expovariate(4) * len(data)), len(data) - 1)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _spliced(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.choice(TEXT) + data[place + rng.choice((0, 0, 1, 5)) :]


def _repeated(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    place = rng.randrange(len(lines))
    return (
        b"".join([*lines[: place + 1], *lines[place:]])
        if rng.random() < 0.5
        else b"".join(lines[:place] + lines[place + 1 :])
    )


def _recoded(data: bytes, rng: random.Random) -> bytes:
    encoding = rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7"))
    return data.decode("latin-1").encode(encoding)


def _emptied(data: bytes, rng: random.Random) -> bytes:
    return rng.choice((b"", b"\n", b" ", b"[]", b"{}", b"null", b"\0" * len(data)))


def _other_leaf(data: bytes, rng: random.Random) -> bytes:
    """JSON with another value somewhere, or without one."""
    lines = data.decode().splitlines()
    whole = data.lstrip()[:1] in b"{[" and _loads("\n".join(lines)) is not None
    chunks = ["\n".join(lines)] if whole else lines
    place = rng.randrange(len(chunks))
    value = json.loads(chunks[place])
    holders: list[tuple[Any, Any]] = []
    _collect(value, lambda holder, key: holders.append((holder, key)))
    if holders:
        holder, key = rng.choice(holders)
        if rng.random() < 0.15:
            del holder[key]
        else:
            holder[key] = rng.choice(LEAVES)
    chunks[place] = json.dumps(value)
    return ("\n".join(chunks) + "\n").encode()


def _collect(value: Any, add: Callable[[Any, Any], object]) -> None:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items)[:50]:
        add(value, key)
        _collect(item, add)


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
