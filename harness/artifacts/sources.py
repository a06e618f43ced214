"""Hashes of what a plan finds already there, and a stage has to find again: models, corpora, prompts, drafters."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from offbook.engine.embedded import ALIASES
from offbook.engine.files import file_sha256
from offbook.engine.model_identity import model_identity
from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.roster.distillers import StudentMethod
from offbook.harness.settings.students import PROCEDURAL, CorpusSpec
from offbook.tasks.prompts import DATA_PATH, load_prompts


def model_hashes(name: str, revision: str | None = None) -> tuple[str, str | None]:
    """Of a model's weights, and of what lies beside them and decides the text.

    Raises:
        ValueError: there is no such model.
    """
    found = model_identity(name, revision=revision)
    return found.weights_sha256, found.settings_sha256


def helper_hashes(
    method: StudentMethod, options: Mapping[str, Any], encoder: str, *, replay: bool = False
) -> dict[str, str]:
    """Of the models that a student's training reads beside its base, and of the prompts that it replays, if it does.

    Raises:
        ValueError: one is out of reach.
    """
    found = {name: model_hashes(str(options[name]))[0] for name in method.models if name in options}
    if method.reads_vectors:
        from offbook.engine.students.text_encoder import encoder_sha256

        found["encoder"] = encoder_sha256(encoder)
    if replay:
        from offbook.harness.artifacts.replay_prompts import replay_prompts_sha256

        found["replay_prompts"] = replay_prompts_sha256()
    return found


def corpus_sha256(spec: CorpusSpec) -> str:
    """Of a corpus's file; "" for one that is made by rules.

    Raises:
        ValueError: it is not there.
    """
    if spec.source == PROCEDURAL:
        return ""
    from offbook.harness.artifacts.corpus_file import find_file

    return file_sha256(find_file(spec.source))


def prompts_sha256(model: str, source: Literal["shipped", "regenerate"]) -> str:
    """Of the training prompts, and of a model's shipped answers to them.

    Raises:
        ValueError: none are shipped for this model.
    """
    asked = canonical_sha256([[prompt.id, prompt.prompt] for prompt in load_prompts("train")])
    if source == "regenerate":
        return asked
    path = DATA_PATH / f"answers-{model}.jsonl" if model in ALIASES else None
    if path is None or not path.is_file():
        name = model if model in ALIASES else user_path(model, what="model").name
        msg = (
            f"expected answers of {quoted(name)} among those shipped, found none; let it answer with "
            "--answers regenerate"
        )
        raise ValueError(msg)
    return canonical_sha256([asked, file_sha256(path)])


def drafter_sha256(folder: Path) -> str:
    """Of the weights of a drafter that somebody trained.

    Raises:
        ValueError: there is none.
    """
    from offbook.harness.roster.drafter_info import fingerprint

    return fingerprint(folder)
