"""How fast a large store is checked and told: builds one of made-up heats, and times its readers.

    python -m offbook.harness.trials.store_benchmark FOLDER [--records 10000]

Each heat has five arms on one suite of eight documents; each contender takes four suites. A folder that holds a store
is measured as it is.
"""

import argparse
import functools
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from offbook.engine.files import writing
from offbook.harness.records.cell import CellRecord, CellSpec, LimitsSpec
from offbook.harness.records.certificate import BASELINE, Certificate
from offbook.harness.records.checked import SETTLED_NS
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.drafter import DrafterId, DrafterInfo
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.ledger import Line
from offbook.harness.records.record import Entry, sealed, slug, stem, to_bytes
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify
from offbook.harness.tables.decoders import write_leaderboard

ARMS = {"autoregressive": 0, "two": 2, "three": 3, "three_more": 3, "four": 4}  # tokens accepted at most
SUITES = ("offbook_qa", "offbook_maths", "offbook_code", "offbook_chat")
DOCUMENTS, TOKENS = 8, 49
VARIANTS = 16  # of what a heat measures; its records and their hashes are all different
START = datetime(2026, 1, 1, tzinfo=UTC)


def heats(count: int) -> Iterator[list[Entry]]:
    """The cells of so many heats; the same for the same number."""
    for number in range(count):
        seed, suite = divmod(number, len(SUITES))
        trial = canonical_sha256(["trial", number])
        manifest: dict[str, Any] = {
            **{"offbook": "0", "cpu": "made up", "cores": 2, "usable_cores": 2, "platform": "none", "python": "3"},
            "packages": {name: "1.0" for name in ("torch", "transformers", "tokenizers", "lm-eval", "numpy")},
            "environment": {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            "heat": {
                "arms": [*ARMS],
                "order": "rotated",
                "warm_up_tokens": 8,
                "load_average": {"start": [1], "end": [1]},
            },
        }
        found: list[Entry] = []
        for decoder in ARMS:
            baseline = decoder == "autoregressive"
            spec = CellSpec(
                model=f"made-up-{seed % 10}",
                weights_sha256=canonical_sha256(seed % 10),
                decoder=decoder,
                decoder_config={} if baseline else {"depth": 5, "total_tokens": 32},
                drafter=None if baseline else DrafterId(sha256=canonical_sha256([decoder, seed % 10])),
                suite=SUITES[suite],
                suite_fingerprint=canonical_sha256(suite),
                seed=seed // 10,
                temperature=0.0,
                limits=LimitsSpec(max_new_tokens=64, eos_token_ids=(2,)),
                dtype="float32",
                n_docs=DOCUMENTS,
                chat_template=True,
            )
            identical = Certificate(kind="greedy_identity", verdict="lossless", n=DOCUMENTS, identical=DOCUMENTS)
            record = CellRecord(
                key=spec.key(),
                trial=trial,
                heat_id=trial[:12],
                spec=spec,
                certificate=BASELINE if baseline else identical,
                manifest=manifest,
                drafter=None if baseline else DrafterInfo(parameters=1_000_000, training_tokens=50_000),
                metric="exact_match",
                started_utc=START + timedelta(minutes=number),
                finished_utc=START + timedelta(minutes=number + 1),
                wall_s=60.0,
            )
            found.append((record, _rows(number % VARIANTS, decoder)))
        yield found


@functools.lru_cache(maxsize=VARIANTS * len(ARMS))
def _rows(variant: int, decoder: str) -> list[DocumentRow]:
    """The same answers for every decoder, in other rounds and times."""
    chance = random.Random(f"{variant} {decoder}")
    return [
        _row(document, ARMS[decoder], random.Random(f"{variant} {document}"), chance) for document in range(DOCUMENTS)
    ]


def _row(document: int, most: int, said: random.Random, chance: random.Random) -> DocumentRow:
    """An answer: `said` decides its text, `chance` what it took."""
    rounds, left = list[tuple[int, int, int, int]](), TOKENS - 1
    while left:
        accepted = min(chance.randint(0, most), left - 1)
        rounds.append((32 if most else 0, min(accepted + 1, most), accepted, accepted + 1))
        left -= accepted + 1
    return DocumentRow(
        doc_id=document,
        doc_hash=canonical_sha256(document),
        prompt_tokens=60,
        tokens=tuple(said.randrange(50_000) for _ in range(TOKENS)),
        prefill_committed=1,
        text=" ".join("answers" for _ in range(TOKENS)),
        finish_reason="stop",
        rounds=tuple(rounds),
        draft_forwards=5 * len(rounds) if most else 0,
        prefill_s=0.02 + 0.01 * chance.random(),
        decode_s=(0.02 + 0.01 * chance.random()) * len(rounds),
        draft_s=0.005 * len(rounds) if most else 0.0,
        target_s=0.01 * len(rounds),
        peak_bytes=2**30,
        scores={"exact_match": float(said.random() < 0.6)},
    )


def build(folder: Path, records: int) -> None:
    """Writes what commits would have written, unsynced."""
    for name in ("records", "rows"):
        (folder / name).mkdir(parents=True)
    lines: list[Line] = []
    for heat in heats(-(-records // len(ARMS))):
        for record, rows in heat:
            whole, data = sealed(record, rows)
            for place, content in (
                (folder / "rows" / whole.rows_file, data),
                (folder / "records" / f"{stem(whole)}.json", to_bytes(whole)),
            ):
                with writing(place):
                    place.write_bytes(content)
            lines.append(
                Line(kind="cell", name=slug(whole), key=whole.key, sha256=whole.sha256, trial=whole.trial, of=len(heat))
            )
    Store(folder).ledger.append(lines)


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--records", type=int, default=10_000)
    chosen = parser.parse_args()
    folder, count = chosen.folder, chosen.records
    if not (folder / "ledger.jsonl").exists():
        _timed("built", count, lambda: build(folder, count))
        time.sleep(SETTLED_NS / 1e9 + 0.5)  # what was written just now is not remembered
    for what in ("first check", "check again"):
        _timed(what, count, lambda: verify(Store(folder)))
    for what in ("first leaderboard", "leaderboard again"):
        _timed(what, count, lambda: write_leaderboard(Store(folder), folder))
    *_, more = heats(-(-count // len(ARMS)) + 1)
    store = Store(folder)
    _timed("reading the ledger", count, lambda: store.ledger.lines())
    _timed("committing a heat", len(more), lambda: store.commit(more))
    return 0


def _timed(what: str, records: int, call: Callable[[], object]) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    call()
    took, worked = time.perf_counter() - start, time.process_time() - cpu
    print(f"{what}: {took:.2f} s, {worked:.2f} s of the processor, {records / took:.0f} records/s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
