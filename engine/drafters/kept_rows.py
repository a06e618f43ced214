"""Keys and values of all passes over a training's rows, in the place of a draft layer's cache."""

import torch


class KeptRows:
    """See `KeyValues`: those of every pass, one behind the other; gradients flow through them."""

    def __init__(self) -> None:
        self._keys: list[torch.Tensor] = []
        self._values: list[torch.Tensor] = []

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, /
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Those of a pass behind those of the passes before."""
        self._keys.append(key_states)
        self._values.append(value_states)
        return torch.cat(self._keys, dim=2), torch.cat(self._values, dim=2)
