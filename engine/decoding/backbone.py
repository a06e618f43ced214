"""The target: any transformers causal LM, unmodified, driven one block of rows at a time.

A block is a run of tokens (prefill, one step) or a candidate tree; both are the same forward with another
mask and other positions. What the language-model head consumes, the last hidden state after the final norm,
is handed out as *features*: feature-level drafters (EAGLE, Jakiro) read them.
"""

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from transformers import PreTrainedModel

from offbook.engine.decoding import attention
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.clock import CallCounter
from offbook.engine.decoding.layouts.choose import Chosen, choose_for_answers, choose_layout, plain_facts
from offbook.engine.decoding.layouts.layout import Layout, StepOutput, causal_block
from offbook.engine.decoding.layouts.plain import TransformersLayout
from offbook.engine.decoding.rope_border import reads_the_longest, recomputes, rope_border
from offbook.engine.decoding.self_check import self_check
from offbook.engine.json_value import JsonValue


@dataclass(frozen=True, kw_only=True)
class TargetOutput:
    """Hidden states (B, T, H) of all layers, as transformers counts them; logits (B, n, V) of the last n rows."""

    states: tuple[torch.Tensor, ...]
    logits_BNV: torch.Tensor

    @property
    def features_BTH(self) -> torch.Tensor:  # noqa: N802
        """The last state of every row, which the language-model head reads."""
        return self.states[-1]


@dataclass
class TargetCalls:
    """How often the target was called, of whatever layout; inside of `Backbone.counted` known once that is left."""

    number: int = 0


class Backbone:
    """A causal LM with the tree attention function selected; one per model, shared by all contenders.

    Raises:
        ValueError: the model cannot take an attention function, or does not say the same under ours as under its own
            (`self_check`).
    """

    def __init__(self, model: PreTrainedModel) -> None:
        if not getattr(model, "_supports_attention_backend", False):
            msg = (
                f"expected a causal LM that takes attention functions (Llama, Qwen, Mistral, Gemma ...), "
                f"got {type(model).__name__}; choose another --model"
            )
            raise ValueError(msg)
        self.model = model.eval()
        self.config = model.config.get_text_config()
        self._native_attention: str = model.config._attn_implementation
        parameters = inspect.signature(type(model).forward).parameters
        self.cache_argument = "cache" if "cache" in parameters else "past_key_values"  # renamed in transformers 5.2x
        self.use_tree_attention()
        self._border = rope_border(self.config)
        self._recomputes = self._border is not None and recomputes(model, self._border, self.cache_argument)
        self.plain = TransformersLayout(model, cache_argument=self.cache_argument)
        self.layout: Layout = self.plain
        self.layout_facts: Mapping[str, JsonValue] = plain_facts(model, self.plain)
        self._steps = TargetCalls()  # in layouts that do not call the model
        self._views: dict[str, Backbone] = {self.plain.name: self}
        self_check(self)

    def under(self, layout: str) -> "Backbone":
        """The same model in a layout, made when it is first asked for; see `choose_layout`.

        Raises:
            ValueError: see `choose_layout`.
        """
        return self._view(layout, lambda: choose_layout(layout, self.model, self.plain))

    def for_answers(self) -> "Backbone":
        """The same model in the layout that suits many answers side by side; see `choose_for_answers`."""
        return self._view("for answers", lambda: choose_for_answers(self.model, self.plain))

    def _view(self, asked: str, choose: Callable[[], Chosen]) -> "Backbone":
        if asked not in self._views:
            chosen = choose()
            name = chosen.layout.name
            if name not in self._views:
                view = copy.copy(self)
                view.layout, view.layout_facts = chosen.layout, chosen.facts
                self._views[name] = view
            self._views[asked] = self._views[name]
        return self._views[asked]

    def use_tree_attention(self) -> None:
        """Selects our attention function."""
        self.model.set_attn_implementation(attention.register())

    def use_native_attention(self) -> None:
        """Selects the attention the model was loaded with, for contenders that are transformers' own."""
        self.model.set_attn_implementation(self._native_attention)

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return torch.device(self.model.device)

    @property
    def context_length(self) -> int:
        """Positions the model was made for."""
        return int(self.config.max_position_embeddings)

    @property
    def embedding_VH(self) -> torch.Tensor:  # noqa: N802
        """Input embedding weight."""
        weight = self.model.get_input_embeddings().weight
        assert isinstance(weight, torch.Tensor)
        return weight

    @property
    def head_VH(self) -> torch.Tensor:  # noqa: N802
        """Language-model head weight (may be tied to the embedding)."""
        head = self.model.get_output_embeddings()
        assert isinstance(head, nn.Module)
        weight = head.weight
        assert isinstance(weight, torch.Tensor)
        return weight

    def levels_below(self, root: int) -> int | None:
        """How deep a tree may be whose root sits at this position (`rope_border`); None for any depth."""
        return self._border - 1 - root if self._border is not None and root < self._border else None

    @property
    def hangs_on_rows_alone(self) -> bool:
        """Whether its steps are functions of the rows' tokens and positions, and of the cache, in the plain layout."""
        return self.layout is self.plain and not reads_the_longest(self.config)

    @property
    def may_be_captured(self) -> bool:
        """Whether its steps also wait for nobody, as the library says of models that it compiles whole.

        Experts that it calls one by one it looks for first, and waits.
        """
        compiles = bool(getattr(self.model, "_can_compile_fullgraph", False))
        one_by_one = getattr(self.config, "_experts_implementation", None) == "eager"
        waits = one_by_one and any(name.endswith(".experts") for name, _ in self.model.named_modules())
        return self.hangs_on_rows_alone and compiles and not waits

    def forgets(self, cache: TreeCache) -> bool:
        """Whether the model's own `generate` would compute this cache anew before its next token (`rope_border`)."""
        return self._recomputes and cache.length == self._border

    def refill(self, cache: TreeCache, text_T: torch.Tensor) -> None:
        """Computes the committed rows anew, under the factors that their text takes together with the next token."""
        rows = cache.length
        cache.cut_back(0)
        self.extend(text_T[: rows + 1], cache, logits_for=1)
        cache.commit(rows)

    def new_cache(self, capacity: int) -> TreeCache:
        """An empty cache for `capacity` rows."""
        return TreeCache(num_layers=int(self.config.num_hidden_layers), capacity=capacity)

    def step(
        self,
        tokens_M: torch.Tensor,
        positions_M: torch.Tensor,
        visible_MM: torch.Tensor,
        cache: TreeCache,
        *,
        logits_for: int = 0,
        taps: Sequence[int] = (),
    ) -> StepOutput:
        """See `Layout.step`: one block of one sequence, in the layout that was chosen.

        Raises:
            ValueError: a tap that is no layer of the model.
        """
        states = int(self.config.num_hidden_layers) + 1
        if not all(-states <= tap < states for tap in taps):
            msg = f"expected taps of {-states} to {states - 1}, hidden states of the target, got {[*taps]}; change them"
            raise ValueError(msg)
        if not self.layout.calls_the_model:
            self._steps.number += 1
        return self.layout.step(
            tokens_M,
            positions_M,
            visible_MM,
            cache,
            logits_for=logits_for,
            taps=[tap % states for tap in taps],
        )

    def extend(
        self, tokens_M: torch.Tensor, cache: TreeCache, *, logits_for: int = 0, taps: Sequence[int] = ()
    ) -> StepOutput:
        """`step` for a run of tokens, each of which sees those before it."""
        positions_M, visible_MM = causal_block(cache.length, tokens_M.shape[0], tokens_M.device)
        return self.step(tokens_M, positions_M, visible_MM, cache, logits_for=logits_for, taps=taps)

    @contextlib.contextmanager
    def counted(self) -> Iterator["TargetCalls"]:
        """Inside, every pass over the target's weights is counted, whoever asks for it."""
        calls = TargetCalls()
        with CallCounter([self.model]) as model_calls:
            before = self._steps.number
            yield calls
        calls.number = model_calls.calls + self._steps.number - before

    def count_unseen(self, passes: int) -> None:
        """Passes over the weights that no call of the model shows; below 0 calls that were none of an answer's."""
        self._steps.number += passes

    def forward(self, tokens_BT: torch.Tensor, cache: TreeCache, *, logits_for: int = 0) -> TargetOutput:
        """One causal block of B sequences behind the rows that they have in common, in the plain layout.

        Nothing is committed yet. `logits_for`: compute logits for the last n rows only; 0 means all.
        """
        batch, rows = tokens_BT.shape
        positions_T, visible_TT = causal_block(cache.length, rows, tokens_BT.device)
        logits, states = self.plain.rows(
            tokens_BT, positions_T.expand(batch, rows), visible_TT, cache, logits_for=logits_for, with_states=True
        )
        return TargetOutput(states=states, logits_BNV=logits)
