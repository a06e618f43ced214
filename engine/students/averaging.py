"""The mean of a student's weights over a training's last steps: what is scored, kept and saved in their place.

    m_0 = 0        m_n = m_(n-1) + (θ_n - m_(n-1)) / n        θ_n: the weights behind the n-th of these steps

Of LoRA the mean is taken of the updates s·B·A that are added to the frozen weights, not of the factors: the mean of
products is not the product of means. It is what the mean of the merged weights would be, since the frozen part is the
same in all of them.

One copy of what is trained (of LoRA: of the layers that have adapters) is held, in fp32 or finer.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import nn

from offbook.engine.students.best import trained
from offbook.engine.students.companion import Companion


class Average:
    """The running mean of what a training changes; part of its state, see `engine.resuming.held.Stateful`.

    Args:
        student: with its adapters, if it has any.
        companion: trained with it; its weights are averaged too.
    """

    def __init__(self, student: nn.Module, companion: Companion | None) -> None:
        self._student: Any = student
        self._adapters: dict[str, Any] = {
            name: module for name, module in student.named_modules() if isinstance(module, LoraLayer)
        }
        factors = {id(p) for module in self._adapters.values() for p in module.parameters()}
        self._plain = {name: p for name, p in trained(student, companion).items() if id(p) not in factors}
        self._means: dict[str, torch.Tensor] = {}
        self.taken = 0

    @torch.no_grad()
    def take(self) -> None:
        """Takes the weights as they are now into the mean."""
        self.taken += 1
        for name, value in self._values():
            if name in self._means:
                mean = self._means[name]
                mean.lerp_(value.to(mean.dtype), 1 / self.taken)
            else:
                self._means[name] = value.to(_fine(value.dtype), copy=True)

    @contextlib.contextmanager
    def standing_in(self) -> Iterator[None]:
        """Inside, the student computes with the mean; as it is while nothing was taken."""
        if not self.taken:
            yield
            return
        exchanged = self._exchange()
        try:
            with self._without_adapters():
                yield
        finally:
            for parameter, own in exchanged:
                parameter.data = own

    def settle(self) -> Any:
        """Gives the student the mean for good; the student as a plain model, its adapters gone."""
        assert self.taken
        self._exchange()
        return self._student.unload() if self._adapters else self._student

    def state_dict(self) -> dict[str, Any]:
        """How many steps were taken, and their mean."""
        return {"taken": self.taken, "means": dict(self._means)}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there.

        Raises:
            ValueError: the mean of another student's weights.
        """
        means = state["means"]
        wanted = {name: (value.shape, _fine(value.dtype)) for name, value in self._values()}
        if {name: (mean.shape, mean.dtype) for name, mean in means.items()} != (wanted if state["taken"] else {}):
            msg = "expected the mean of this student's weights, got another's"
            raise ValueError(msg)
        device = next(self._student.parameters()).device
        self._means = {name: mean.to(device) for name, mean in means.items()}
        self.taken = int(state["taken"])

    def _values(self) -> Iterator[tuple[str, torch.Tensor]]:
        """What is averaged, by name: trained weights, and updates of layers with adapters."""
        yield from ((name, p.detach()) for name, p in self._plain.items())
        for name, module in self._adapters.items():
            yield f"{name} update", sum(module.get_delta_weight(a).detach() for a in module.active_adapters)

    def _exchange(self) -> list[tuple[nn.Parameter, torch.Tensor]]:
        """Puts the mean into the weights, an update into the frozen ones below it; these, with what they held."""
        exchanged: list[tuple[nn.Parameter, torch.Tensor]] = []
        for name, parameter in self._plain.items():
            exchanged.append((parameter, parameter.data))
            parameter.data = self._means[name].to(parameter.dtype)
        for name, module in self._adapters.items():
            weight = module.get_base_layer().weight
            exchanged.append((weight, weight.data))
            weight.data = (weight.data + self._means[f"{name} update"]).to(weight.dtype)
        return exchanged

    def _without_adapters(self) -> contextlib.AbstractContextManager[Any]:
        if not self._adapters:
            return contextlib.nullcontext()
        without: contextlib.AbstractContextManager[Any] = self._student.disable_adapter()
        return without


def _fine(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)
