"""Writes the prompt files from the pools, byte for byte the same every time.

    python -m offbook.tasks.prompts.generate            # write data/test.jsonl and data/train.jsonl
    python -m offbook.tasks.prompts.generate --check    # compare with what is there; exit status 1 if they differ

The drafter is trained on one file and measured on the other, so `shared_ngrams` must be empty: no test prompt may
share eight consecutive words with any training prompt. Words are lower-cased and every number counts as the same word,
so a template that was merely filled with other numbers counts as shared. The rule covers the whole prompt, instruction
included.
"""

import argparse
import json
import sys
from collections.abc import Iterable

from offbook.engine.files import atomic_write_text
from offbook.engine.ngrams import ngrams
from offbook.tasks.prompts import CATEGORIES, DATA_PATH, SPLITS
from offbook.tasks.prompts.pools import Row, chat, code, extraction, maths, qa, summarisation

POOLS = {
    "chat": chat,
    "maths": maths,
    "code": code,
    "summarisation": summarisation,
    "qa": qa,
    "extraction": extraction,
}
NGRAM = 8


def generate(split: str) -> list[Row]:
    """Return all rows of a split, category by category."""
    rows: list[Row] = []
    for category in CATEGORIES:
        pool = POOLS[category]
        drafts = pool.test_rows() if split == "test" else pool.train_rows()
        rows += [
            {"id": f"{category}-{split}-{number:03d}", "category": category, "split": split, **draft}
            for number, draft in enumerate(drafts)
        ]
    return rows


def as_jsonl(rows: Iterable[Row]) -> str:
    """Return rows as JSON lines, ending in a line feed."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def shared_ngrams(test: Iterable[Row], train: Iterable[Row]) -> dict[str, list[str]]:
    """Return, for each test prompt that overlaps the training prompts, the n-grams it shares."""
    seen = set().union(*(ngrams(row["prompt"]) for row in train))
    overlaps = {row["id"]: sorted(" ".join(gram) for gram in ngrams(row["prompt"]) & seen) for row in test}
    return {row_id: grams for row_id, grams in overlaps.items() if grams}


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or compare them with ``--check``; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m offbook.tasks.prompts.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
    check = parser.parse_args(arguments).check
    status = 0
    for split in SPLITS:
        path, text = DATA_PATH / f"{split}.jsonl", as_jsonl(generate(split))
        if not check:
            atomic_write_text(path, text)
        elif not path.is_file() or path.read_bytes() != text.encode("utf-8"):
            print(f"{path.name} differs from what the pools give; run this command without --check", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
