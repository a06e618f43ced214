"""The state of every random number generator of a process: what a resumed training goes on drawing from."""

import random
from typing import Any

import numpy as np
import torch


class RandomState:
    """The generators of torch on the CPU and on `device`, of numpy and of Python; see `Stateful`."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def state_dict(self) -> dict[str, Any]:
        """Where each generator stands; a GPU's as None where the process has none."""
        numpy: Any = np.random.get_state(legacy=False)
        numpy_state = {**numpy, "state": {**numpy["state"], "key": numpy["state"]["key"].tolist()}}
        return {
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
            "numpy": numpy_state,
            "python": random.getstate(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts every generator there."""
        numpy = state["numpy"]
        np.random.set_state({**numpy, "state": {**numpy["state"], "key": np.array(numpy["state"]["key"], np.uint32)}})
        random.setstate(state["python"])
        torch.set_rng_state(state["torch"])
        if self.device.type == "cuda" and state["cuda"] is not None:
            torch.cuda.set_rng_state(state["cuda"], self.device)
