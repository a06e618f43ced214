"""What the card of a drafter says: from its `config.json`, and from heats in which these very weights drafted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCardData

from offbook.engine.resuming.seal import broken
from offbook.engine.text import read_json
from offbook.harness.interchange.certified import Certified, found_in_heats
from offbook.harness.interchange.hub_names import LICENCES, hub_id
from offbook.harness.interchange.model_card import CardContent, certificates
from offbook.harness.records.cell import Cell
from offbook.harness.records.drafter import DrafterInfo
from offbook.harness.records.exam import Exam
from offbook.harness.records.manifest import machine_lines
from offbook.harness.roster.decoders import contenders
from offbook.harness.roster.drafter_info import CONFIG, describe, fingerprint
from offbook.harness.tables.columns import EVERYWHERE, Table, always, pick, to_markdown
from offbook.harness.tables.decoders import leaderboard
from offbook.harness.tables.decoders_columns import COLUMNS
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.markdown import escape, machines_below
from offbook.harness.tables.settings_in_words import in_words

SHOWN = (
    *("decoder_label", "decoder_options", "layout", "temperature", "n_docs", "acceptance_length", "tokens_per_s"),
    *("speedup", "speedup_fastest", "losslessness"),
)


def told_of_drafter(folder: Path, held: Sequence[Cell | Exam], certificate: Certified | None) -> CardContent:
    """See `model_card.card_files`.

    Raises:
        ValueError: a damaged drafter, or a certificate of another one.
    """
    if (problem := broken(folder / CONFIG)) is not None:
        msg = f"{folder}: expected a drafter as it was written, got another: {problem}; train it anew"
        raise ValueError(msg)
    config = read_json(folder / CONFIG, what="a drafter's config", remedy="train it anew")
    name, target = str(config["architecture"]), str(config["target"].get("name", "unknown"))
    sha256 = fingerprint(folder)
    if certificate is not None:
        certificate.check("drafter_sha256", sha256, folder)
    cells = [one for one in held if isinstance(one, Cell)]
    mine = [cell for cell in cells if cell.record.spec.drafter and cell.record.spec.drafter.sha256 == sha256]
    return CardContent(
        data=ModelCardData(
            base_model=hub_id(target),
            library_name="offbook",
            license=LICENCES.get(target),
            pipeline_tag="text-generation",
            tags=["offbook", "speculative-decoding", name],
        ),
        title=f"{name}: a drafter for {target}",
        about=_about(name, target),
        training=_training(config, describe(folder)),
        measured=_measured(cells, mine, sha256),
        certified=certificates(certificate, found_in_heats(mine)),
        use=_use(name, target),
    )


def _about(name: str, target: str) -> str:
    known = contenders().get(name)
    how = f" ({escape(known.summary)})" if known is not None else ""
    return (
        f"A drafter of the method `{name}`{how} for `{target}`: it proposes tokens that the target verifies, so that "
        "what is said is the target's own. It is of no use for another model, and offbook refuses it there."
    )


def _training(config: Mapping[str, Any], info: DrafterInfo) -> dict[str, object]:
    training, imported = config.get("training", {}), config.get("imported")
    wanted = {
        "Target (weights)": str(config["target"].get("weights_sha256", "unknown"))[:12],
        "Parameters": info.parameters,
        "Draft vocabulary": f"{config['draft_vocab_size']} of {config['vocab_size']}"
        if "draft_vocab_size" in config
        else None,
        "Variant": in_words(config["variant"]) if config.get("variant") else None,
        "Prompts": training.get("prompts"),
        "Tokens of the target's answers": info.training_tokens,
        "Gradient tokens": info.gradient_tokens,
        "Epochs": training.get("epochs"),
        "Learning rate": training.get("learning_rate"),
        "Floating-point operations": info.training_flops,
        "Taken over from": info.imported_from,
        "Unknown": ", ".join(imported.get("unknown", ())) if isinstance(imported, dict) else None,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _measured(cells: Sequence[Cell], mine: Sequence[Cell], sha256: str) -> list[str]:
    """Its rows of the leaderboard, beside plain decoding in the same heats."""
    if not mine:
        return ["Among the records that were given is no heat in which these weights drafted."]
    heats = {cell.record.heat_id for cell in mine}
    table = leaderboard([cell for cell in cells if cell.record.heat_id in heats])
    rows = table[(table["drafter_sha256"] == sha256) & (table["suite"] == ALL_SUITES)]
    columns = tuple(replace(column, shown_in=EVERYWHERE, shown_for=always) for column in pick(COLUMNS, *SHOWN))
    machines = machine_lines(cell.record.manifest for cell in mine)
    return [
        to_markdown(Table(columns=columns, rows=rows)),
        "Acceptance length: tokens a verify forward. Speed-ups are over plain decoding of the same documents in the "
        "same run; square brackets are 95 % intervals over documents, or over clusters of like ones.",
        *machines_below(machines),
    ]


def _use(name: str, target: str) -> list[str]:
    command = f'offbook generate "Why is the sky blue?" --model {target} --decoder {name} --drafter FOLDER'
    return [
        f"```\n{command}\n```",
        "`offbook export drafter FOLDER` writes EAGLE, EAGLE-3 and Jakiro in their authors' layouts.",
    ]
