"""How a drafter's matrices are multiplied: as the target's layout has it, by the fastest product that is to be had.

A pass of a few rows over a draft layer and its head costs as much in MKL's product as a plain step of packed weights
costs. On a target that lies as the library left it, so does the drafter. Under any other layout its matrices lie in
their exact small form (a head cut from Q8_0 rows is Q8_0), or in oneDNN's where there is no C code: the same weights,
their sums taken in another order, which can change what is proposed where two candidates tie and never what is said.
"""

import torch
from torch import nn

from offbook.engine.decoding.layouts.exchanged import Product, exchange
from offbook.engine.decoding.layouts.layout import Layout
from offbook.engine.decoding.layouts.plain import TransformersLayout
from offbook.kernels.native_library import native_available
from offbook.kernels.packed_linear import NativeMatrix, find_exact
from offbook.kernels.packed_linear.onednn import OneDnnMatrix, onednn_available


def draft_product(layout: Layout, weight_NK: torch.Tensor, bias_N: torch.Tensor | None = None) -> Product | None:
    """X W^T + b of activations (..., K), for a drafter on a target in `layout`; None where torch's own is to be taken.

    Holds the weights as they are now.
    """
    plain = layout.name == TransformersLayout.name
    if plain or weight_NK.dtype != torch.float32 or weight_NK.device.type != "cpu":
        return None
    if native_available()[0]:
        matrix = NativeMatrix(find_exact(weight_NK), bias_N)
        return lambda x: matrix(x.reshape(-1, x.shape[-1])).view(*x.shape[:-1], -1)
    return OneDnnMatrix(weight_NK, bias_N) if onednn_available() else None


def lay_out(network: nn.Module, layout: Layout) -> None:
    """Exchanges the products of a network's linear layers, for good: it only drafts from now on."""
    for module in network.modules():
        if type(module) is nn.Linear:
            bias = None if module.bias is None else module.bias.detach()
            product = draft_product(layout, module.weight.detach(), bias)
            if product is not None:
                exchange(module, product)
