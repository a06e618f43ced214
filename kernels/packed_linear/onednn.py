"""Products with fp32 weights that oneDNN has laid out for itself once: y = x W^T + b, nearly flat in a few rows.

MKL, which torch multiplies fp32 matrices with, lays them out anew in every product of two rows or more. The sum is the
same and is taken in another order.
"""

import torch


def onednn_available() -> bool:
    """Whether this build of torch has oneDNN's product."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")


class OneDnnMatrix:
    """A matrix in oneDNN's layout: a copy of `weight_NK` (fp32, CPU) as large as it, with its bias (N,) if any."""

    ROWS = 16  # what the layout is made for; any number may come

    def __init__(self, weight_NK: torch.Tensor, bias_N: torch.Tensor | None = None) -> None:
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight_NK.detach().contiguous(), self.ROWS)
        self._bias = None if bias_N is None else bias_N.detach().contiguous()

    def __call__(self, x_MK: torch.Tensor) -> torch.Tensor:
        """Activations times the matrix, (..., N); without gradients."""
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x_MK, self._packed, self._bias, "none", [], "")
        return product
