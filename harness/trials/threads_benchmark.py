"""How fast does a model decode by threads and by how they wait, alone and beside busy processes?

    python -m offbook.harness.trials.threads_benchmark results/threads.csv

Every way of waiting (as libgomp has it, which spins for 3 ms; with shorter spins; asleep at once) and every number of
threads decodes the same tokens in a process of its own, as OpenMP reads its settings once. All of them take turns, so
that what else the machine does meets all alike; ratios are between neighbours in one round. Ten tokens of warm-up are
not counted. Busy processes are loops that want a core each.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from offbook.engine.files import atomic_write_text
from offbook.engine.threads import COUNTS, WAITING
from offbook.harness.tables.csv_file import csv_text

WAYS: Mapping[str, Mapping[str, str]] = {
    "spin": {},
    "40,000 spins": {"GOMP_SPINCOUNT": "40000"},
    "10,000 spins": {"GOMP_SPINCOUNT": "10000"},
    "1,000 spins": {"GOMP_SPINCOUNT": "1000"},
    "passive": {"OMP_WAIT_POLICY": "PASSIVE"},
}
PROMPT_TOKENS, WARM_UP = 64, 10


def decode(model: str, tokens: int) -> dict[str, float]:
    """Tokens per second of this process, prefill left out, greedily and without a drafter."""
    import torch

    from offbook.baselines.decoding.autoregressive import Autoregressive
    from offbook.engine import pretrained
    from offbook.engine.decoding.backbone import Backbone
    from offbook.engine.decoding.decode import SpeculativeDecoder
    from offbook.engine.decoding.decoder import Limits
    from offbook.engine.decoding.sampling import Sampling

    loaded, _ = pretrained.load(model)
    decoder = SpeculativeDecoder(Backbone(loaded), Autoregressive())
    prompt_1P = torch.arange(PROMPT_TOKENS).remainder(loaded.config.vocab_size)[None]

    def tokens_per_s(count: int) -> float:
        """Without an end of sequence, so that every process decodes as many."""
        found = decoder.generate(
            prompt_1P, sampling=Sampling(), limits=Limits(max_new_tokens=count), generator=torch.Generator()
        )
        return (len(found.tokens) - found.prefill_committed) / found.decode_s

    tokens_per_s(WARM_UP)
    return {"tokens_per_s": tokens_per_s(tokens), "threads": torch.get_num_threads()}


def child(model: str, tokens: int, way: str, threads: int) -> dict[str, float]:
    """`decode` in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if name not in (*WAITING, *COUNTS)}
    command = [sys.executable, "-m", "offbook.harness.trials.threads_benchmark", "--child", "--model", model]
    done = subprocess.run(
        [*command, "--tokens", str(tokens)],
        env={**clean, **WAYS[way], "OMP_NUM_THREADS": str(threads)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    assert found["threads"] == threads
    return found


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that want a core each."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def lines(model: str, tokens: int, repeats: int, threads: Sequence[int], beside: Sequence[int]) -> list[dict[str, str]]:
    """The table: medians over rounds, and the median ratio to spinning threads of the same number and round."""
    places = [(way, count) for count in threads for way in WAYS]
    table = []
    for others in beside:
        rounds = []
        for turn in range(repeats):
            order = places[turn % len(places) :] + places[: turn % len(places)]
            with busy(others):
                rounds.append({place: child(model, tokens, *place)["tokens_per_s"] for place in order})
        for way, count in places:
            ratios = [found[way, count] / found["spin", count] for found in rounds]
            table.append(
                {
                    "busy_processes": str(others),
                    "threads": str(count),
                    "waiting": way,
                    "repeats": str(repeats),
                    "tokens_per_s": f"{statistics.median(found[way, count] for found in rounds):.2f}",
                    "ratio_to_spin": f"{statistics.median(ratios):.3f}",
                    "ratio_low": f"{min(ratios):.3f}",
                    "ratio_high": f"{max(ratios):.3f}",
                }
            )
    return table


def main() -> None:
    """Writes the table, or what one process measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, nargs="?", default=Path("threads.csv"))
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--beside", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        print(json.dumps(decode(chosen.model, chosen.tokens)))
        return
    table = lines(chosen.model, chosen.tokens, chosen.repeats, chosen.threads, chosen.beside)
    atomic_write_text(chosen.csv, csv_text(pd.DataFrame(table)))


if __name__ == "__main__":
    main()
