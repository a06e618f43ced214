"""The prepacked layout: fp32 weights laid out once for the product that multiplies them, no compiler needed.

A model of Llama's shape takes a lean step over fused products; of any other shape its own forward is taken, with the
products of its linear layers exchanged while it steps.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import nn
from transformers import PreTrainedModel

from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.layouts.layout import Layout, StepOutput
from offbook.engine.decoding.layouts.llama import LeanLlama
from offbook.engine.decoding.layouts.products import RowsProduct, measured_choice, stacked
from offbook.engine.decoding.layouts.shape import Linear, LlamaLayer, LlamaShape, read_shape
from offbook.engine.json_value import JsonValue

NAME = "prepacked"


def prepacked_layout(model: PreTrainedModel, plain: Layout) -> Layout:
    """The prepacked layout of a model in fp32 on a CPU.

    Args:
        model: its weights are left as they are; the layout holds a copy.
        plain: steps the model in its own forward.
    """
    shape = read_shape(model)
    if shape is not None:
        return PrepackedLlama(shape, positions=int(model.config.get_text_config().max_position_embeddings))
    return ExchangedProducts(model, plain)


class PrepackedLlama:
    """See `Layout`; of a model of Llama's shape."""

    name = NAME
    calls_the_model = False

    def __init__(self, shape: LlamaShape, *, positions: int) -> None:
        choice = measured_choice(linear for layer in shape.layers for linear in _fused(layer))
        self.facts: Mapping[str, JsonValue] = {"step": "lean", **choice.facts}
        lean = LeanLlama(shape, lambda parts: RowsProduct(parts, choice), positions=positions)
        self.step = lean.step
        self.advance = lean.advance


class ExchangedProducts:
    """See `Layout`; the model's own forward, its linear layers multiplied by another product while it steps."""

    name = NAME
    calls_the_model = True

    def __init__(self, model: PreTrainedModel, plain: Layout) -> None:
        linears = [module for module in model.modules() if type(module) is nn.Linear]
        choice = measured_choice([_of(module) for module in linears])
        self.facts: Mapping[str, JsonValue] = {"step": "the model's own", **choice.facts}
        self._products = [(module, RowsProduct([_of(module)], choice)) for module in linears]
        self._plain = plain

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
        """See `Layout.step`."""
        with torch.inference_mode(), self.exchanged():
            return self._plain.step(tokens_M, positions_M, visible_MM, cache, logits_for=logits_for, taps=taps)

    @contextlib.contextmanager
    def exchanged(self) -> Iterator[None]:
        """Inside, the model multiplies with these products, whoever calls it, without gradients."""
        for module, product in self._products:
            module.__dict__["forward"] = product  # found before the class's; `nn.Module` would take time to set it
        try:
            yield
        finally:
            for module, _ in self._products:
                del module.__dict__["forward"]


def _fused(layer: LlamaLayer) -> tuple[Linear, ...]:
    """The four products of a layer, as the lean step takes them."""
    return stacked([layer.q, layer.k, layer.v]), layer.o, stacked([layer.gate, layer.up]), layer.down


def _of(module: nn.Linear) -> Linear:
    return Linear(weight_NK=module.weight.detach(), bias_N=None if module.bias is None else module.bias.detach())
