"""`offbook certify` of every contender that can be built here, on the embedded model, at full extent.

Each certificate is a file of its own; whoever needs a trained drafter takes part where one is given. What is the same
for all contenders of offbook's loop (the law and the draws of its rules, the loop with drafters that stand in) is found
once.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from unittest.mock import patch

from offbook.engine.files import atomic_write_text
from offbook.engine.progress import progress as bar
from offbook.harness.certificates import contender_tests
from offbook.harness.certificates.report import Report
from offbook.harness.matrix.certify import certify
from offbook.harness.roster.arms import build_arm
from offbook.harness.roster.command_line import process_manifest
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import BASELINE, DECODERS
from offbook.harness.roster.drafter_info import fingerprint
from offbook.harness.roster.target import Target, load_target
from tests.certify.samplers import Case, Line

MODEL = "smollm2-135m-instruct"
SHARED = ("law_deviation", "verifier_certificate", "loop_certificate")
OUTSIDE = ("differs", "not tested")  # another program rounds as it likes, whether that shows or not


def drafter_for(chosen: Contender, drafters: Mapping[str, Path]) -> Path | None:
    """The folder of a contender's drafter: its own, or of whose it takes."""
    return drafters.get(chosen.name, drafters.get(chosen.drafter_of or ""))


def left_out(drafters: Mapping[str, Path]) -> list[str]:
    """Who cannot take part for want of a drafter, with whose it is."""
    return [
        f"{chosen.name} (--drafter {chosen.drafter_of or chosen.name}=FOLDER)"
        for chosen in DECODERS.values()
        if chosen.architecture is not None and drafter_for(chosen, drafters) is None
    ]


def contenders(drafters: Mapping[str, Path], folder: Path) -> Iterator[Case]:
    """A certificate in `folder` for each contender of this repository."""
    for chosen in DECODERS.values():
        drafter = drafter_for(chosen, drafters)
        if chosen.name == BASELINE or (chosen.architecture is not None and drafter is None):
            continue
        if chosen.outside and (reason := unavailable(chosen)):
            print(f"{chosen.name}: left out: {reason}", flush=True)
            continue

        def run(chosen: Contender = chosen, drafter: Path | None = drafter) -> Line:
            with bar() as progress, once():
                report = certify(embedded(), chosen, progress, manifest=process_manifest(), drafter_folder=drafter)
            atomic_write_text(file_of(folder, chosen.name), report.to_json())
            return told(report, chosen)

        tag = "" if drafter is None else f" with drafter {fingerprint(drafter)[:12]}"
        yield f"{chosen.name}{tag}", run


def unavailable(chosen: Contender) -> str:
    """Why a contender that runs in another program cannot be had here; empty where it can."""
    try:
        build_arm(embedded(), chosen)
    except ValueError as reason:
        return str(reason)
    return ""


def file_of(folder: Path, name: str) -> Path:
    """Where a contender's certificate lies."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.json"


def told(report: Report, chosen: Contender) -> Line:
    """What a page tells of a report."""
    facts = [part.facts for part in report.parts]
    (greedy,) = (fact for fact in facts if fact.get("kind") == "greedy_identity")
    return {
        "right": report.verdict in (("differs",) if chosen.lossy else OUTSIDE if chosen.outside else ("lossless",)),
        "decoder": chosen.name,
        "verdict": report.verdict,
        "identical": f"{greedy['identical']}/{greedy['n']}",
        "ties": greedy["ties"],
        "p_value": min((fact["p_value"] for fact in facts if fact.get("p_value") is not None), default=None),
        "tv_bound": max((fact["tv_bound"] for fact in facts if fact.get("tv_bound") is not None), default=None),
        "found_move": max((fact["found_move"] for fact in facts if "found_move" in fact), default=None),
        "paragraph": report.paragraph(),
    }


@cache
def embedded() -> Target:
    """The embedded model, in the layout that answers fastest, as the command has it."""
    return load_target(MODEL, layout="transformers").for_answers()


@cache
def _once(name: str) -> Callable[..., object]:
    found = cache(getattr(contender_tests, name))

    def once(*what: object, progress: object = None, **settings: object) -> object:
        return found(*what, **settings)  # without who is told, who is another every time

    return once


@contextmanager
def once() -> Iterator[None]:
    """Within, what is the same for all contenders is found once a process."""
    with patch.multiple(contender_tests, **{name: _once(name) for name in SHARED}):
        yield
