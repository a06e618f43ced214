"""Which product multiplies how many rows: MKL's or oneDNN's, whichever a measurement on this machine finds faster.

MKL is often the faster for one row and twice as slow for four; where they cross depends on the machine. So both are
timed over weights that lie apart in memory, as a step reads them, in turns, and the least time of each counts.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from offbook.engine.decoding.layouts.shape import Linear
from offbook.engine.json_value import JsonValue
from offbook.kernels.packed_linear.onednn import OneDnnMatrix, onednn_available

ROWS = (1, 2, 4, 8)  # numbers of rows that are timed; more than the last are oneDNN's, whose lead only grows from there
TURNS = 4
SAMPLE_BYTES = 256 * 2**20  # of weights that are timed: far more than caches hold

Product = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Whether oneDNN multiplies this many rows, and what was measured: seconds by number of rows and product."""

    onednn: tuple[bool, ...]
    seconds: Mapping[str, Sequence[float]]

    def takes_onednn(self, rows: int) -> bool:
        """Whether oneDNN multiplies `rows` rows."""
        return next((taken for most, taken in zip(ROWS, self.onednn, strict=True) if rows <= most), self.onednn[-1])

    @property
    def facts(self) -> dict[str, JsonValue]:
        """For the manifest."""
        names = ["onednn" if taken else "mkl" for taken in self.onednn]
        times: dict[str, JsonValue] = {
            name: [round(1000 * s, 3) for s in seconds] for name, seconds in self.seconds.items()
        }
        return {"product_rows": [*ROWS], "product": [*names], "product_ms": times}


class RowsProduct:
    """y = x [W_1; W_2; ...]^T + b of matrices that read the same rows, laid one on top of the other.

    Without oneDNN in this build of torch, or where it never is the faster, no copy for it is kept.
    """

    def __init__(self, parts: Sequence[Linear], choice: Choice) -> None:
        self._choice = choice
        self._dense: Product | None = None
        self._packed: Product | None = None
        fused = stacked(parts)
        if any(choice.onednn):
            self._packed = OneDnnMatrix(fused.weight_NK, fused.bias_N)
        if not all(choice.onednn):
            self._dense = _dense(fused)

    def __call__(self, x_MK: torch.Tensor) -> torch.Tensor:
        """(M, sum of N); in front of K there may be more dimensions."""
        product = self._packed if self._choice.takes_onednn(x_MK.numel() // x_MK.shape[-1]) else self._dense
        assert product is not None
        return product(x_MK)


def stacked(parts: Sequence[Linear]) -> Linear:
    """Matrices that read the same rows as one; a single one is no copy."""
    if len(parts) == 1:
        return parts[0]
    biases = [part.bias_N for part in parts]
    with_bias = [
        b if b is not None else p.weight_NK.new_zeros(p.weight_NK.shape[0]) for p, b in zip(parts, biases, strict=True)
    ]
    return Linear(
        weight_NK=torch.cat([part.weight_NK for part in parts]),
        bias_N=None if all(bias is None for bias in biases) else torch.cat(with_bias),
    )


def measured_choice(linears: Iterable[Linear]) -> Choice:
    """Times both products over as many of these matrices as `SAMPLE_BYTES` hold, the first of them at least.

    Once a process for the same sizes and threads, so that a model's numbers do not change while it runs.
    """
    if not onednn_available():
        return Choice(onednn=(False,) * len(ROWS), seconds={})
    sample: list[Linear] = []
    for linear in linears:
        sample.append(linear)
        if sum(part.weight_NK.numel() * 4 for part in sample) >= SAMPLE_BYTES:
            break
    place = (torch.get_num_threads(), *(linear.weight_NK.shape for linear in sample))
    if place not in _MEASURED:
        _MEASURED[place] = _measured(sample)
    return _MEASURED[place]


_MEASURED: dict[tuple[object, ...], Choice] = {}


@torch.inference_mode()
def _measured(sample: Sequence[Linear]) -> Choice:
    products: dict[str, Sequence[Product]] = {
        "mkl": [_dense(linear) for linear in sample],
        "onednn": [OneDnnMatrix(linear.weight_NK, linear.bias_N) for linear in sample],
    }
    seconds: dict[str, list[float]] = {name: [] for name in products}
    for rows in ROWS:
        inputs = [torch.randn(rows, linear.weight_NK.shape[1]) for linear in sample]
        least = dict.fromkeys(products, float("inf"))
        for _ in range(TURNS):
            for name, matrices in products.items():
                start = time.perf_counter()
                for product, x in zip(matrices, inputs, strict=True):
                    product(x)
                least[name] = min(least[name], time.perf_counter() - start)
        for name, found in least.items():
            seconds[name].append(found)
    faster = tuple(packed < dense for packed, dense in zip(seconds["onednn"], seconds["mkl"], strict=True))
    return Choice(onednn=faster, seconds=seconds)


def _dense(linear: Linear) -> Product:
    return lambda x: functional.linear(x, linear.weight_NK, linear.bias_N)
