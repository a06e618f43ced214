"""A key/value cache for trees: storage laid out once, rows gathered together, cut back, never grown.

A `transformers.Cache`, so an unmodified model writes into it. It keeps every row of the context, also under
sliding windows (attention hides what is too old by absolute position), because a tree's rows do not lie in
position order and a rolling buffer could not be compacted.
"""

from typing import Any

import torch
from transformers.cache_utils import Cache

from offbook.kernels.compact_cache import compact_cache


class TreeCache(Cache):
    """Preallocated keys and values of all layers.

    Shapes: L layers, B batch, G key/value heads, S capacity, D head size. The storage (2 L, B, G, S, D) is made
    at the first write, when the model shows its heads and dtype. Rows `[0, front)` are committed; a forward
    writes behind them, and `commit` decides which of these rows stay.

    The host counts, in `length`, or between `count_on_device` and `count_on_host` the device: then `front` is a tensor
    that the host does not read, every forward sees the whole storage, and a mask says how much of it there is.
    """

    def __init__(self, *, num_layers: int, capacity: int) -> None:
        super().__init__(layers=[])
        self.num_layers = num_layers
        self.capacity = capacity
        self.length = 0
        self._counted: torch.Tensor | None = None
        self._places_T = torch.empty(0, dtype=torch.int64)
        self._storage: torch.Tensor | None = None

    def update(  # noqa: D102 (transformers' contract)
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        batch, heads, rows, head_dim = key_states.shape
        if value_states.shape != key_states.shape:
            shapes = f"{tuple(key_states.shape)} and {tuple(value_states.shape)}"
            msg = f"expected keys and values of one shape, got {shapes}; choose another --model"
            raise ValueError(msg)
        storage = self.storage(batch, heads, head_dim, like=key_states)
        keys, values = storage[layer_idx], storage[self.num_layers + layer_idx]
        if self._counted is not None:
            if layer_idx == 0:  # all layers write to the same rows
                self._places_T = self._counted + torch.arange(rows, device=keys.device)
            places_T = self._places_T
            return keys.index_copy_(2, places_T, key_states), values.index_copy_(2, places_T, value_states)
        end = self.length + rows
        assert end <= self.capacity, f"cache of {self.capacity} rows asked to hold {end}"
        keys[:, :, self.length : end] = key_states
        values[:, :, self.length : end] = value_states
        return keys[:, :, :end], values[:, :, :end]

    def storage(self, batch: int, heads: int, head_dim: int, *, like: torch.Tensor) -> torch.Tensor:
        """All keys and values, (2 L, B, G, S, D), contiguous; of the first call's sizes, and of `like`'s kind."""
        if self._storage is None:
            shape = (2 * self.num_layers, batch, heads, self.capacity, head_dim)
            self._storage = torch.empty(shape, dtype=like.dtype, device=like.device)
        return self._storage

    @property
    def front(self) -> int | torch.Tensor:
        """How many rows are committed; 0-d int64 where the device counts, a new tensor after every commit."""
        return self.length if self._counted is None else self._counted

    def count_on_device(self, front: torch.Tensor) -> None:
        """From here on `front` (0-d int64) says how many rows are committed."""
        self._counted = front

    def count_on_host(self, length: int) -> None:
        """From here on the host counts again; so many rows are committed."""
        assert 0 <= length <= self.capacity
        self._counted, self.length = None, length

    def commit(self, rows: int | torch.Tensor) -> None:
        """Keeps the next `rows` written rows as they lie; a tensor only where the device counts."""
        if self._counted is not None:
            self._counted = self._counted + rows
            return
        assert isinstance(rows, int)
        self.length += rows
        assert self.length <= self.capacity

    def commit_path(self, path: torch.Tensor, count: torch.Tensor | None = None) -> None:
        """Keeps the rows of an accepted path.

        Args:
            path: (n,), counted from the first uncommitted row, ascending.
            count: how many of them stand, 0-d int64, where the device counts.
        """
        assert self._storage is not None, "nothing has been written yet"
        if count is not None:
            compact_cache(self._storage, self.front, path, count)
            self.commit(count)
            return
        n = path.shape[0]
        # An unbroken run already lies in place, but to see that costs a device more than to copy.
        if path.is_cuda or int(path[-1]) != n - 1:
            compact_cache(self._storage, self.length, path)
        self.commit(n)

    def cut_back(self, front: int | torch.Tensor) -> None:
        """Forgets every row from `front` on, an earlier one."""
        if isinstance(front, torch.Tensor):
            self._counted = front
            return
        assert 0 <= front <= self.length
        self.length = front

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: D102 (transformers' contract)
        return self.length

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:  # noqa: D102
        return self.length + query_length, 0
