"""`offbook certify` of every contender that can be built here, on the embedded model, at full extent.

Each certificate is a file of its own; whoever needs a trained drafter takes part where one is given. What is the same
for all contenders of offbook's loop (the law and the draws of its rules, the loop with drafters that stand in) is found
once. What is found at each of the settings is a piece of its own, for all of them can take longer than a machine is
there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from unittest.mock import patch

from offbook.engine.files import atomic_write_text
from offbook.engine.progress import progress as bar
from offbook.harness.certificates import contender_tests
from offbook.harness.certificates.report import Report, read_report
from offbook.harness.matrix.certify import SAMPLINGS, certify
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
OF_ALL = ("greedy identity", "design")  # of every piece alike


def drafter_for(chosen: Contender, drafters: Mapping[str, Path]) -> Path | None:
    """The folder of a contender's drafter: its own, or of whose it takes."""
    return drafters.get(chosen.name, drafters.get(chosen.drafter_of or ""))


def left_out(drafters: Mapping[str, Path]) -> list[str]:
    """Who cannot take part for want of a drafter, or of another program, with what is wanted."""
    return [f"{chosen.name} ({wanted})" for chosen in DECODERS.values() if (wanted := _wanted(chosen, drafters))]


def _wanted(chosen: Contender, drafters: Mapping[str, Path]) -> str:
    if chosen.architecture is not None and drafter_for(chosen, drafters) is None:
        return f"--drafter {chosen.drafter_of or chosen.name}=FOLDER"
    return f"offbook[{chosen.extra}], and its model" if chosen.outside else ""


def contenders(drafters: Mapping[str, Path], folder: Path, pieces: Path) -> Iterator[Case]:
    """A certificate in `folder` for each contender of this repository, made of what is in `pieces` or is put there."""
    for chosen in DECODERS.values():
        drafter = drafter_for(chosen, drafters)
        if chosen.name == BASELINE or (chosen.architecture is not None and drafter is None):
            continue
        if chosen.outside and (reason := unavailable(chosen)):
            print(f"{chosen.name}: left out: {reason}", flush=True)
            continue

        tag = "" if drafter is None else f" with drafter {fingerprint(drafter)[:12]}"

        def run(chosen: Contender = chosen, drafter: Path | None = drafter, tag: str = tag) -> Line:
            reports = []
            for number, sampling in enumerate(SAMPLINGS):
                piece = pieces / f"{chosen.name}{tag.replace(' ', '-')}-{number}.json"
                if not piece.is_file():
                    with bar() as progress, once():
                        report = certify(
                            embedded(),
                            chosen,
                            progress,
                            manifest=process_manifest(),
                            drafter_folder=drafter,
                            samplings=[sampling],
                        )
                    pieces.mkdir(parents=True, exist_ok=True)
                    atomic_write_text(piece, report.to_json())
                reports.append(read_report(piece))
            whole = joined(reports)
            atomic_write_text(file_of(folder, chosen.name), whole.to_json())
            return told(whole, chosen)

        yield f"{chosen.name}{tag}", run


def unavailable(chosen: Contender) -> str:
    """Why a contender that runs in another program cannot be had here; empty where it can."""
    try:
        build_arm(embedded(), chosen)
    except ValueError as reason:
        return str(reason)
    return ""


def joined(reports: Sequence[Report]) -> Report:
    """Of the pieces of one contender; what is of all of them alike is told once."""
    first, *others = reports
    parts = [*first.parts, *(part for other in others for part in other.parts if part.name not in OF_ALL)]
    return Report(subject=first.subject, parts=parts, manifest=others[-1].manifest if others else first.manifest)


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
