"""The target of a run: model, tokenizer and everything that follows from the two, loaded once for all contenders."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from offbook.engine.embedded import ALIASES
from offbook.engine.encoding import check_ids, render_turns
from offbook.engine.key_shapes import looks_like_a_key
from offbook.engine.model_identity import model_identity
from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted
from offbook.engine.trained_on import TrainedOn
from offbook.harness.records.model_names import HIDDEN
from offbook.harness.records.spent import spending
from offbook.harness.roster.trained_on import student_trained_on

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

    from offbook.engine.decoding.backbone import Backbone
    from offbook.engine.decoding.decode import SpeculativeDecoder
    from offbook.engine.decoding.decoder import Limits
    from offbook.engine.decoding.detokenizer import Detokenizer
    from offbook.engine.decoding.drafter import Drafter
    from offbook.engine.decoding.verify import VerifierFor
    from offbook.engine.drafters.checkpoint import TargetName

DTYPES = ("float32", "bfloat16", "float16", "float64")
DEVICE = re.compile(r"cpu|cuda(:[0-9]{1,2})?")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A model under measurement.

    Attributes:
        name: what the user called it; of a local folder its last part.
        dtype: number format of the weights, one of `DTYPES`.
        backbone: drives the model; shared by every contender.
        tokenizer: its tokenizer.
        weights_sha256: hash of its weights.
        settings_sha256: hash of what else in its folder decides its text; see `engine.model_identity`.
        revision: of a Hugging Face id, where one was asked for.
        eos_token_ids: tokens that end an answer, from the generation configuration and the tokenizer.
        trained_on: of a distilled student, what it learned from; None of other models, of which nobody knows.
        base: of a distilled student, its base model, whose drafters it may borrow; None as a rule.
    """

    name: str
    dtype: str
    backbone: "Backbone"
    tokenizer: "PreTrainedTokenizerBase"
    weights_sha256: str
    eos_token_ids: frozenset[int]
    base: "TargetName | None" = None
    settings_sha256: str | None = None
    revision: str | None = None
    trained_on: TrainedOn | None = None

    @property
    def device(self) -> "torch.device":
        """Where the weights lie."""
        return self.backbone.device

    @property
    def parameters(self) -> int:
        """How many it has; those that two matrices share count once."""
        return sum(weight.numel() for weight in self.backbone.model.parameters())

    @property
    def identity(self) -> "TargetName":
        """What a drafter's checkpoint calls its target."""
        from offbook.engine.drafters.checkpoint import TargetName

        return TargetName(name=self.name, weights_sha256=self.weights_sha256)

    @property
    def has_chat_template(self) -> bool:
        """Whether prompts can be rendered as turns."""
        return self.tokenizer.chat_template is not None

    def render_chat(self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool = True) -> str:
        """Turns as one text in the model's chat template.

        Raises:
            ValueError: the tokenizer has no template, or the template refuses these turns.
        """
        if not self.has_chat_template:
            msg = f"{self.name}: expected a tokenizer with a chat template, got none; switch the template off"
            raise ValueError(msg)
        return render_turns(self.tokenizer, messages, add_generation_prompt=add_generation_prompt, name=self.name)

    def encode(self, text: str, *, templated: bool) -> list[int]:
        """Token ids; see `engine.prompt_tokens`.

        Raises:
            ValueError: see `engine.encoding.token_ids`.
        """
        from offbook.engine.prompt_tokens import prompt_tokens

        tokens = prompt_tokens(self.tokenizer, text, templated=templated)
        check_ids(tokens, self.tokenizer, self.backbone.embedding_VH.shape[0])
        return tokens

    def prompt(self, text: str, *, templated: bool) -> "torch.Tensor":
        """`encode` as a decoder takes it, (1, P) int64 on the target's device.

        Raises:
            ValueError: not a single token.
        """
        import torch

        tokens = self.encode(text, templated=templated)
        if not tokens:
            msg = "expected a prompt of at least one token, got an empty one; give it some text"
            raise ValueError(msg)
        return torch.tensor([tokens], device=self.device)

    @cached_property
    def detokenize(self) -> "Detokenizer":
        """Called with token ids, their text with special tokens left out; what decoders judge stop strings with."""
        from offbook.engine.decoding.detokenizer import Detokenizer

        return Detokenizer(self.tokenizer)

    def speculative(self, drafter: "Drafter", *, verifier: "VerifierFor | None" = None) -> "SpeculativeDecoder":
        """A drafter in offbook's loop on this target: what most contenders build.

        `verifier` is left out by who keeps the target's output; see `SpeculativeDecoder`.

        Raises:
            ValueError: something that is no drafter.
        """
        parts = ("networks", "max_nodes", "taps", "begin", "observe", "propose")
        if missing := [name for name in parts if not hasattr(drafter, name)]:
            msg = (
                f"expected a drafter, which has {', '.join(parts)}, got {type(drafter).__name__} without {missing[0]}; "
                "see docs/your-decoder.md"
            )
            raise ValueError(msg)
        from offbook.engine.decoding.decode import SpeculativeDecoder

        return SpeculativeDecoder(self.backbone, drafter, self.detokenize, verifier=verifier)

    def limits(self, max_new_tokens: int, stop_strings: Sequence[str] = ()) -> "Limits":
        """Where an answer to a task ends: at the cap, an end token, or a stop string that the task asks for."""
        from offbook.engine.decoding.decoder import Limits
        from offbook.engine.decoding.endings import stop_strings_of

        return Limits(
            max_new_tokens=max_new_tokens,
            eos_token_ids=self.eos_token_ids,
            stop_strings=stop_strings_of(stop_strings, self.tokenizer),
        )

    def under(self, layout: str) -> "Target":
        """The same target in another layout of its weights; see `engine.decoding.layouts.choose`.

        Raises:
            ValueError: a layout that is unknown, or not to be had of this model on this machine.
        """
        return replace(self, backbone=self.backbone.under(layout))

    def for_answers(self) -> "Target":
        """The same target in the layout that suits many answers side by side, an exam's."""
        return replace(self, backbone=self.backbone.for_answers())

    def generator(self, seed: int) -> "torch.Generator":
        """A source of random numbers on the target's device."""
        import torch

        return torch.Generator(device=self.device).manual_seed(seed)


def load_target(
    name: str, *, dtype: str = "float32", device: str = "auto", revision: str | None = None, layout: str = "auto"
) -> Target:
    """Loads a model by alias, folder or Hugging Face id.

    Args:
        name: see `engine.pretrained.load`.
        dtype: one of `DTYPES`.
        device: "auto" (CUDA where there is one, else the CPU) or a device of torch.
        revision: of a Hugging Face id.
        layout: of the weights, transformers, prepacked or packed; "auto" is the fastest that needs no compiler.

    Raises:
        ValueError: unknown model, number format, device or layout, or a model without attention functions.
        TypeError: something that is no name at all.
    """
    from offbook.engine import pretrained
    from offbook.engine.decoding.backbone import Backbone
    from offbook.engine.decoding.endings import end_token_ids
    from offbook.engine.decoding.layouts.choose import check_name

    check_name(layout)
    if not isinstance(name, str | os.PathLike):
        msg = f"model: expected an alias, a folder or a Hugging Face id, got {quoted(name)}; `offbook ls` lists aliases"
        raise TypeError(msg)
    chosen, place = resolve_dtype(dtype), resolve_device(device)
    with spending("loading"):
        identity = model_identity(name, revision=revision)
        model, tokenizer = pretrained.load(name, dtype=chosen, device=place, revision=revision)
    return Target(
        name=short_name(name),
        dtype=dtype,
        backbone=Backbone(model).under(layout),
        tokenizer=tokenizer,
        weights_sha256=identity.weights_sha256,
        settings_sha256=identity.settings_sha256,
        revision=revision,
        eos_token_ids=end_token_ids(model, tokenizer),
        trained_on=None if name in ALIASES else student_trained_on(user_path(name, what="model")),
    )


def short_name(name: str) -> str:
    """What records call a model: of a local folder its last part, unless that looks like a key; the alias or id."""
    folder = user_path(name, what="model")
    if name in ALIASES or not folder.is_dir():
        return name
    last = folder.resolve().name
    return HIDDEN if looks_like_a_key(last) else last


def resolve_dtype(name: str) -> "torch.dtype":
    """The number format of this name.

    Raises:
        ValueError: none of `DTYPES`.
    """
    import torch

    dtype: torch.dtype = getattr(torch, known_dtype(name))
    return dtype


def known_dtype(name: str) -> str:
    """The name of a number format, refused without torch.

    Raises:
        ValueError: none of `DTYPES`.
    """
    if name not in DTYPES:
        msg = f"expected --dtype to be one of {', '.join(DTYPES)}, got {quoted(name)}"
        raise ValueError(msg)
    return name


def resolve_device(name: str) -> "torch.device":
    """The device of this name; "auto" is CUDA where there is one, else the CPU.

    Raises:
        ValueError: no such device, or none here.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if not DEVICE.fullmatch(name):
        msg = f"expected --device auto, cpu or cuda, got {quoted(name)}; choose one of these"
        raise ValueError(msg)
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= (found := torch.cuda.device_count()):
        msg = f"expected --device {name} to be here, found {found} CUDA devices; use --device cpu"
        raise ValueError(msg)
    return device
