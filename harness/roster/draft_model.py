"""A language model that drafts for another: how options name it, what records know it by, and how it is loaded.

Without a name the first layers of the target itself draft (`engine.decoding.early_exit`), which takes no second model.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from offbook.engine.embedded import ALIASES
from offbook.engine.model_identity import model_identity
from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted_path
from offbook.harness.records.drafter import DrafterId
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.spent import spending
from offbook.harness.roster.contender import Contender, Options
from offbook.harness.roster.drafter_info import describe_model
from offbook.harness.roster.target import resolve_dtype
from offbook.harness.roster.trained_on import student_trained_on

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from offbook.harness.roster.target import Target


class DraftModelOptions(Options):
    """Who drafts.

    Attributes:
        draft: an alias, a local folder or a Hugging Face id of a smaller model with the target's vocabulary; None for
            the target's own first layers.
        layers: how many of these; half of all by default.
    """

    draft: str | None = None
    layers: int | None = Field(default=None, ge=1)


MODELS = ("draft",)  # of these options those that name a model


def drafts_by_model(chosen: Contender) -> bool:
    """Whether a language model drafts for a contender."""
    return issubclass(chosen.options, DraftModelOptions)


def without_draft_model(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of such a contender for another target, such as a toy, whose own first layers draft."""
    return {name: value for name, value in options.items() if name not in DraftModelOptions.model_fields}


def draft_model(options: BaseModel) -> str | None:
    """The model that options name; None where they name none.

    Raises:
        ValueError: a model, and layers of the target beside it.
    """
    if not isinstance(options, DraftModelOptions) or options.draft is None:
        return None
    if options.layers is not None:
        msg = (
            f"expected draft or layers, got both ({quoted_path(options.draft)} and {options.layers}); layers are the "
            "target's own, so leave one out"
        )
        raise ValueError(msg)
    return options.draft


def draft_model_sha256(name: str) -> str:
    """The hash of a model's weights and of what lies beside them.

    Raises:
        ValueError: there is no such model.
    """
    found = model_identity(name)
    return canonical_sha256([found.weights_sha256, found.settings_sha256])


def recorded(name: str) -> dict[str, Any]:
    """What an `Arm` says of the model that drafts for it.

    Raises:
        ValueError: there is no such model.
    """
    from offbook.engine.pretrained import files_of

    return {
        "drafter_id": DrafterId(sha256=draft_model_sha256(name)),
        "drafter": describe_model(files_of(name)),
        "trained_on": None if name in ALIASES else student_trained_on(user_path(name, what="draft")),
    }


def load_draft_model(target: "Target", options: DraftModelOptions) -> "PreTrainedModel":
    """The model, in the target's number format and beside it, under the attention that it was loaded with.

    Raises:
        ValueError: see `draft_model`, `engine.pretrained.load` and `first_layers`; or another vocabulary than the
            target's.
    """
    from offbook.engine import pretrained
    from offbook.engine.decoding.early_exit import first_layers

    name = draft_model(options)
    if name is None:
        deep = int(target.backbone.config.num_hidden_layers)
        return first_layers(target.backbone, max(1, deep // 2) if options.layers is None else options.layers)
    with spending("loading"):
        model, tokenizer = pretrained.load(name, dtype=resolve_dtype(target.dtype), device=target.device)
    _check_vocabulary(target, tokenizer, name)
    return model


def _check_vocabulary(target: "Target", tokenizer: "PreTrainedTokenizerBase", name: str) -> None:
    ours, theirs = target.tokenizer.get_vocab(), tokenizer.get_vocab()
    if ours != theirs:
        same = len(ours.items() & theirs.items())
        msg = (
            f"draft: expected a model with the vocabulary of {target.name}, {len(ours):,} tokens, got "
            f"{quoted_path(name)} with {len(theirs):,}, of which {same:,} are the same; name a smaller model of the "
            "target's family"
        )
        raise ValueError(msg)
