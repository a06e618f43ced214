"""How much do drafters accept, and what does a draft cost beside the step that verifies it?

    python -m offbook.harness.trials.acceptance_benchmark acceptance.csv --drafter eagle2=FOLDER --decoder suffix

The target answers development prompts once: training prompts that every drafter's training holds out, as
their suites ask them. Each drafter is then replayed over the answers (`engine.decoding.replay`), which has the rounds
of decoding and costs its drafts alone. No test prompt is read.

Above temperature 0, drafters that can take the noise of the target's draws into account (`engine.decoding.coupling`)
are measured with and without that.

Columns: `temperature` of the answers; `coupled`, whether noise is taken into account; `suite`, or `all` for the six
pooled (tokens over rounds); `acceptance_length`; `draft_ms`, the median of a round; `step_ms` and `verify_ms`, a plain
step and one of a whole tree; `outside`, the share of answer tokens that are not in the draft vocabulary, nothing for
drafters that have none. The median of a round is of this process, so read it beside `step_ms`.
"""

import argparse
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from statistics import median

import pandas as pd
import torch
from pydantic import JsonValue

from offbook.engine.decoding.costs import measure_costs
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.feature_draft import FeatureDrafter
from offbook.engine.decoding.replay import KnownText, Proposal, replay
from offbook.engine.files import atomic_write_text
from offbook.engine.machine import cpu_capability, cpu_name
from offbook.engine.progress import Progress, Silent
from offbook.engine.quoting import quoted_path
from offbook.harness.artifacts.tune import development_answers, development_prompts
from offbook.harness.roster.arms import build_arm
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.target import Target, load_target
from offbook.harness.tables.csv_file import csv_text
from offbook.harness.trials.benchmark_command import run

POOLED = "all"
SIZES = ("nodes", "num_tokens")  # settings that are the size of a tree, its root left out
Row = dict[str, str]


def measure(
    target: Target,
    drafters: Mapping[str, Path | None],
    *,
    nodes: int,
    prompts: int,
    tokens: int,
    temperature: float = 0.0,
    progress: Progress,
) -> list[Row]:
    """One line for each drafter and suite, and one for all suites.

    Args:
        target: in the layout whose drafts and steps are timed.
        drafters: the folders of trained ones, by decoder; None for who needs none.
        nodes: of the tree, root included.
        prompts: how many are answered, the suites in turn.
        tokens: cap on each answer.
        temperature: of the answers.
        progress: is told.

    Raises:
        ValueError: a decoder without rounds in offbook's loop, whose trees have no size that could be set, or whose
            candidates are drawn.
    """
    sizes = {name: _size(contender(name), nodes, temperature) for name in drafters}
    suites = [prompt.category for prompt in development_prompts(prompts)]
    answers = development_answers(target, temperature, progress, prompts=prompts, tokens=tokens)
    costs = measure_costs(target.backbone)
    where = {
        "nodes": str(nodes),
        "layout": target.backbone.layout.name,
        "step_ms": f"{1e3 * costs.of(1, costs.contexts[0]):.2f}",
        "verify_ms": f"{1e3 * costs.of(nodes, costs.contexts[0]):.2f}",
        "threads": str(torch.get_num_threads()),
        "cpu": cpu_name(),
        "cpu_capability": cpu_capability(),
    }
    rows = []
    for name, folder in drafters.items():
        chosen = contender(name)
        for coupled in ways(chosen, temperature):
            options = sizes[name] | ({} if coupled is None else {"coupled": coupled})
            arm = build_arm(target, chosen, options=options, drafter_folder=folder)
            if not isinstance(arm.decoder, SpeculativeDecoder):
                msg = f"{name}: expected a decoder with rounds in offbook's loop, got one of its own; leave it out"
                raise ValueError(msg)
            drafter = arm.decoder.drafter
            known = set(drafter.head.token_ids.tolist()) if isinstance(drafter, FeatureDrafter) else None
            found = [replay(drafter, one) for one in answers]
            how = {"temperature": f"{temperature:g}", "coupled": {None: "", True: "yes", False: "no"}[coupled]}
            for suite in (POOLED, *dict.fromkeys(suites)):
                places = [i for i, each in enumerate(suites) if suite in (POOLED, each)]
                said = line([found[i] for i in places], [answers[i] for i in places], known)
                rows.append({"decoder": name, **how, "suite": suite, **said, **where})
    return rows


def ways(chosen: Contender, temperature: float) -> tuple[bool | None, ...]:
    """Of taking the noise of the target's draws into account; None where there is no noise or no choice."""
    return (False, True) if temperature > 0 and "coupled" in chosen.options.model_fields else (None,)


def of_size(chosen: Contender, nodes: int) -> dict[str, JsonValue]:
    """The settings of a tree of so many nodes, the root included, whether it pays or not.

    Raises:
        ValueError: no setting of it is the size of its trees.
    """
    settings = chosen.options.model_fields
    if "total_tokens" in settings:
        return {"total_tokens": nodes}
    size = next((name for name in SIZES if name in settings), None)
    if size is None:
        msg = f"{chosen.name}: expected a decoder with one of the settings {', '.join(SIZES)}, got none; leave it out"
        raise ValueError(msg)
    return {size: nodes - 1, **({"least": 0.0} if "least" in settings else {})}


def _size(chosen: Contender, nodes: int, temperature: float) -> dict[str, JsonValue]:
    if chosen.draws and temperature > 0:
        msg = (
            f"{chosen.name}: expected candidates that are a function of the text, got drawn ones, of which a replay "
            "tells nothing; measure it at temperature 0, or take tries_benchmark"
        )
        raise ValueError(msg)
    return of_size(chosen, nodes)


def line(replayed: Sequence[Sequence[Proposal]], answers: Sequence[KnownText], known: Collection[int] | None) -> Row:
    """What answers of one suite, or of all, say of a drafter that proposes the tokens `known`; None for any."""
    rounds = [one for answer in replayed for one in answer]
    usual = [one.draft_s for answer in replayed for one in answer[1:]]  # the first also reads the prompt
    said = [token for answer in answers for token in answer.answer]
    return {
        "prompts": str(len(answers)),
        "tokens": str(len(said)),
        "rounds": str(len(rounds)),
        "acceptance_length": f"{sum(len(one.committed) for one in rounds) / len(rounds):.3f}" if rounds else "",
        "outside": f"{len([t for t in said if t not in known]) / len(said):.4f}" if said and known is not None else "",
        "draft_ms": f"{1e3 * median(usual):.2f}" if usual else "",
    }


def folders(given: Sequence[str]) -> dict[str, Path | None]:
    """`eagle2=folder` as {"eagle2": folder}.

    Raises:
        ValueError: another shape, or a decoder twice.
    """
    found: dict[str, Path | None] = {}
    for one in given:
        name, _, folder = one.partition("=")
        if not (name and folder) or name in found:
            msg = f"--drafter {quoted_path(one)}: expected DECODER=FOLDER, each decoder once; write it so"
            raise ValueError(msg)
        found[name] = Path(folder)
    return found


def _main() -> None:
    parser = argparse.ArgumentParser(description="How much drafters accept on development prompts.")
    parser.add_argument("path", type=Path, help="CSV file to write")
    parser.add_argument("--drafter", action="append", default=[], metavar="DECODER=FOLDER", help="repeatable")
    parser.add_argument("--decoder", action="append", default=[], help="one that needs no drafter; repeatable")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="alias, local folder, or Hugging Face id")
    parser.add_argument("--layout", default="auto", help="of the target's weights")
    parser.add_argument("--nodes", type=int, default=16, help="of the tree, root included")
    parser.add_argument("--prompts", type=int, default=48, help="development prompts, the suites in turn")
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.0], help="of the answers")
    parser.add_argument("--tokens", type=int, default=96, help="cap on each answer")
    chosen = parser.parse_args()
    drafters = folders(chosen.drafter) | dict.fromkeys(chosen.decoder)
    if not drafters:
        parser.error("expected --drafter DECODER=FOLDER or --decoder NAME, got neither; name whom to measure")
    for name in drafters:
        contender(name)  # before a model is loaded
    target = load_target(chosen.model, layout=chosen.layout)
    rows = [
        row
        for temperature in chosen.temperatures
        for row in measure(
            target,
            drafters,
            nodes=chosen.nodes,
            prompts=chosen.prompts,
            tokens=chosen.tokens,
            temperature=temperature,
            progress=Silent(),
        )
    ]
    text = csv_text(pd.DataFrame(rows))
    atomic_write_text(chosen.path, text)
    print(text, end="")


if __name__ == "__main__":
    run("offbook.harness.trials.acceptance_benchmark", _main)
