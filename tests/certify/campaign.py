"""Every proof of losslessness in full, and its summary: `nox -s certify`.

    python -m tests.certify.campaign [--summary results/certify.md] [--lines results/certify.jsonl] [--part PART ...]
        [--drafter eagle2=FOLDER ...]

What is found is appended to the lines as soon as it is there, and what they hold of this commit is not run again, so
that this can be stopped and gone on with at any time.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats
import torch

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.files import atomic_write_text
from offbook.engine.progress import progress as bar
from offbook.engine.threads import run_settled
from offbook.harness.certificates.real_vocabulary import POWER
from offbook.harness.certificates.sampling import ALPHA, decoder_certificate
from offbook.harness.certificates.toy_drafters import DrawnTrees, GivenTrees
from offbook.harness.certificates.toy_target import ToyTarget
from offbook.harness.certificates.verifiers import RULES, Rule, Tables, law_deviation, play, verifier_certificate
from offbook.harness.matrix.certify import certify
from offbook.harness.roster.command_line import process_manifest
from offbook.harness.roster.decoders import BASELINE, contenders
from offbook.harness.roster.target import load_target
from offbook.harness.statistics.goodness_of_fit import cell_numbers
from tests.controls.samplers import DRAWN_FAULTS, GIVEN_FAULTS, drawn, given, largest_deviation
from tests.gates.base_revision import revision

Line = dict[str, Any]
EXACT, SEEN = 1e-12, 1e-3
SETTINGS = [
    Sampling(temperature=temperature, top_p=top_p, top_k=top_k)
    for temperature, top_p, top_k in product((0.5, 1.0, 1.5), (1.0, 0.8), (0, 3))
]
SEEDS, SHORT = 100, 50_000
SEQUENCES = 20_000
CELLS_OF = 3  # tokens: 512 cells


def laws() -> Iterator[tuple[str, Callable[[], Line]]]:
    """Every branch of both rules, by settings."""
    for rule, sampling in product(RULES, SETTINGS):

        def run(rule: Rule = rule, sampling: Sampling = sampling) -> Line:
            deviation = law_deviation(rule, sampling)
            return {"right": deviation <= EXACT, "deviation": deviation}

        yield f"{rule}, {said(sampling)}", run


def draws() -> Iterator[tuple[str, Callable[[], Line]]]:
    """A million rounds of both rules, by settings."""
    for rule, sampling in product(RULES, SETTINGS):

        def run(rule: Rule = rule, sampling: Sampling = sampling) -> Line:
            found = verifier_certificate(rule, sampling=sampling, seed=2)
            told = {"n": found.n, "p_value": found.p_value, "tv_bound": found.tv_bound}
            return {"right": found.verdict == "lossless", **told}

        yield f"{rule}, {said(sampling)}", run


def seeds() -> Iterator[tuple[str, Callable[[], Line]]]:
    """P-values of the joint of three tokens are uniform over seeds."""
    for rule in RULES:

        def run(rule: Rule = rule) -> Line:
            toy = ToyTarget(Sampling(temperature=1.0))
            tables = Tables.as_decoded(toy, Sampling(temperature=1.0))
            found = [_p_value(rule, toy, tables, seed) for seed in range(SEEDS)]
            uniform = float(scipy.stats.kstest(found, "uniform").pvalue)
            return {"right": min(found) > ALPHA and uniform > 1e-3, "smallest": min(found), "uniform_p": uniform}

        yield f"{rule}, {SEEDS} seeds of {SHORT:,} rounds", run


def _p_value(rule: Rule, toy: ToyTarget, tables: Tables, seed: int) -> float:
    committed, lengths = play(rule, toy, tables, torch.Generator().manual_seed(seed), SHORT)
    toy.continue_all(committed, lengths, np.random.default_rng(seed))
    V = toy.shape.vocabulary
    counts = np.bincount(cell_numbers(committed[:, :CELLS_OF], vocabulary=V), minlength=V**CELLS_OF)
    expected = SHORT * toy.exact.reshape(V**CELLS_OF, -1).sum(axis=1)
    large = expected >= 5
    pooled = np.append(counts[large], counts[~large].sum()), np.append(expected[large], expected[~large].sum())
    return float(scipy.stats.chisquare(pooled[0], pooled[1] * pooled[0].sum() / pooled[1].sum()).pvalue)


def faults() -> Iterator[tuple[str, Callable[[], Line]]]:
    """Samplers with a fault are rejected."""
    for table, make in ((DRAWN_FAULTS, drawn), (GIVEN_FAULTS, given)):
        for fault, source in table.items():

            def run(fault: str = fault, source: str = source, make: Callable[[str], Any] = make) -> Line:
                deviation = largest_deviation(make(fault))
                return {"right": deviation > SEEN, "deviation": deviation, "source": source}

            yield fault, run


def loops() -> Iterator[tuple[str, Callable[[], Line]]]:
    """The loop on the small model."""
    for drafter, sampling in product((GivenTrees, DrawnTrees), SETTINGS[:3]):

        def run(drafter: type = drafter, sampling: Sampling = sampling) -> Line:
            found = decoder_certificate(lambda toy: toy.speculative(drafter()), sampling=sampling, seed=3, n=SEQUENCES)
            told = {"n": found.n, "p_value": found.p_value, "tv_bound": found.tv_bound}
            return {"right": found.verdict == "lossless", **told}

        yield f"{drafter.__name__}, {said(sampling)}", run


def decoders(drafters: dict[str, Path]) -> Iterator[tuple[str, Callable[[], Line]]]:
    """`offbook certify` of every decoder that can be built here, and draws with the embedded model."""
    for chosen in contenders().values():
        folder = drafters.get(chosen.drafter_of or chosen.name)
        if chosen.name == BASELINE or chosen.outside or (chosen.architecture is not None and folder is None):
            continue

        def run(chosen: Any = chosen, folder: Path | None = folder) -> Line:
            target = load_target("smollm2-135m-instruct", layout="transformers").for_answers()
            with bar() as progress:
                report = certify(target, chosen, progress, manifest=process_manifest(), drafter_folder=folder)
            right = "differs" if chosen.lossy else "lossless"
            return {"right": report.verdict == right, "paragraph": report.paragraph()}

        yield chosen.name, run


def said(sampling: Sampling) -> str:
    """Settings in a phrase."""
    return f"T {sampling.temperature:g}, top-p {sampling.top_p:g}, top-k {sampling.top_k}"


def page(lines: list[Line], commit: str) -> str:
    """The summary as Markdown."""
    text = ["# Certificates in full", "", f"Written by `nox -s certify` at {commit[:12]}.", ""]
    text += [
        "| part | cases | as they should be | |",
        "|---|---|---|---|",
        *(_row(part, [line for line in lines if line["part"] == part]) for part in PARTS),
    ]
    text += [
        "",
        "## Samplers with a fault",
        "",
        "Rejected where some text's probability is off by more than 0.001.",
        "",
    ]
    text += ["| fault | where it was seen | off by | rejected |", "|---|---|---|---|"]
    text += [
        f"| {line['case']} | {line['source']} | {line['deviation']:.3f} | {'yes' if line['right'] else 'NO'} |"
        for line in lines
        if line["part"] == "faults"
    ]
    text += ["", "## Decoders", ""]
    text += [f"- {line['paragraph']}" for line in lines if line["part"] == "decoders"] or ["None was tested."]
    return "\n".join(text) + "\n"


def _row(part: str, lines: list[Line]) -> str:
    right = sum(bool(line["right"]) for line in lines)
    if part == "laws":
        told = f"largest deviation {max((line['deviation'] for line in lines), default=0):.1e} (at most {EXACT:.0e})"
    elif part in ("draws", "loops"):
        bound = max((line["tv_bound"] or 0 for line in lines), default=0)
        smallest = min((line["p_value"] or 0 for line in lines), default=1)
        told = f"smallest p {smallest:.2g}, largest bound on TV {bound:.4f}"
    elif part == "seeds":
        told = f"smallest p of uniformity {min((line['uniform_p'] for line in lines), default=1):.2g}"
    elif part == "faults":
        told = f"smallest deviation {min((line['deviation'] for line in lines), default=0):.3f}"
    else:
        told = f"moves told below are found {POWER:.0%} of times"
    return f"| {part} | {len(lines)} | {right} | {told} |"


PARTS = ("laws", "draws", "seeds", "faults", "loops", "decoders")


def main() -> int:
    """Runs what is not there yet; 1 where something is not as it should be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--summary", type=Path, default=Path("certify.md"))
    parser.add_argument("--lines", type=Path, default=Path("certify.jsonl"))
    parser.add_argument("--part", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--drafter", nargs="*", default=[], help="DECODER=FOLDER")
    chosen = parser.parse_args()
    commit = revision("HEAD")
    drafters = {name: Path(folder) for name, _, folder in (given.partition("=") for given in chosen.drafter)}
    cases = {
        "laws": laws(), "draws": draws(), "seeds": seeds(), "faults": faults(), "loops": loops(),
        "decoders": decoders(drafters),
    }  # fmt: skip
    read = chosen.lines.read_text(encoding="utf-8").splitlines() if chosen.lines.is_file() else []
    lines = [line for line in map(json.loads, read) if line["commit"] == commit]
    done = {(line["part"], line["case"]) for line in lines}
    for part in chosen.part:
        for case, run in cases[part]:
            if (part, case) in done:
                continue
            line = {"commit": commit, "part": part, "case": case, **run()}
            lines.append(line)
            with chosen.lines.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            print(f"{part}: {case}: {'as it should be' if line['right'] else 'NOT AS IT SHOULD BE'}", flush=True)
    atomic_write_text(chosen.summary, page(lines, commit))
    return 0 if all(line["right"] for line in lines) else 1


if __name__ == "__main__":
    run_settled("tests.certify.campaign")
    sys.exit(main())
