"""What of a training is kept between sittings, beside numbers: trained weights and the optimiser, checked when read."""

from typing import Any, Protocol

import torch
from torch import nn


class Stateful(Protocol):
    """Whatever is saved and read again, such as a method's own network and optimiser."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that a later process needs: numbers, text and tensors, in lists, tuples and dicts."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there."""
        ...


class Weights:
    """What a training changes in a module: its trained parameters, and its buffers; see `Stateful`."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def state_dict(self) -> dict[str, Any]:
        """Tensors by name, one of each that are tied."""
        parameters = {name: p.detach() for name, p in self._module.named_parameters() if p.requires_grad}
        every = {name for name, _ in self._module.named_parameters(remove_duplicate=False)}
        buffers = {name: b for name, b in self._module.state_dict().items() if name not in every}
        return parameters | buffers

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Copies the tensors in.

        Raises:
            ValueError: other names, shapes or number formats.
        """
        mine = self.state_dict()
        _check_alike(state, mine)
        for name, tensor in mine.items():
            tensor.copy_(state[name])


class Steps:
    """An optimiser's state; see `Stateful`."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._optimizer = optimizer

    def state_dict(self) -> dict[str, Any]:
        """The optimiser's own."""
        return self._optimizer.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Gives it back.

        Raises:
            ValueError: it belongs to other parameters or another kind of optimiser.
        """
        groups, found = self._optimizer.param_groups, state["param_groups"]
        if [group.keys() for group in groups] != [group.keys() for group in found]:
            msg = "expected the groups of this optimiser, got another's"
            raise ValueError(msg)
        shapes = [p.shape for group in groups for p in group["params"]]
        for number, tensors in state["state"].items():
            for name, tensor in tensors.items():
                if tensor.shape not in (shapes[number], torch.Size([])):
                    msg = f"{name} of parameter {number}: expected shape {tuple(shapes[number])}, got {tensor.shape}"
                    raise ValueError(msg)
        self._optimizer.load_state_dict(state)


def _check_alike(found: dict[str, Any], expected: dict[str, Any]) -> None:
    if odd := sorted(found.keys() ^ expected.keys()):
        msg = f"expected the tensors of this model, got {'no' if odd[0] in expected else 'also'} {odd[0]}"
        raise ValueError(msg)
    for name, tensor in expected.items():
        if (found[name].shape, found[name].dtype) != (tensor.shape, tensor.dtype):
            wanted = f"{tuple(tensor.shape)}, {tensor.dtype}"
            msg = f"{name}: expected {wanted}, got {tuple(found[name].shape)}, {found[name].dtype}"
            raise ValueError(msg)
