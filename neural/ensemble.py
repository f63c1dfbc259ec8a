"""Many networks of one architecture as one: their parameters stacked, their passes one batched operation each."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

__all__ = ["Ensemble", "join"]


class Ensemble(nn.Module):
    """Hold E networks of one architecture as one network on inputs (E, n, ...).

    Small networks leave a GPU idle: one operation on E stacked layers takes about as long as on one of them. Network
    e sees ``inputs[e]`` alone and a sum over e separates their gradients, so an optimiser that treats each number by
    itself, such as Adam, trains each network as it would alone.

    Parameters
    ----------
    networks
        Networks that differ in their parameters and buffers only; they are copied.

    Examples
    --------
    >>> first, second = nn.Linear(3, 2), nn.Linear(3, 2)
    >>> both, inputs = Ensemble([first, second]), torch.rand(2, 5, 3)
    >>> bool(torch.allclose(both(inputs)[1], second(inputs[1])))
    True
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stacked = deepcopy(networks[0])
        states = [network.state_dict(keep_vars=True) for network in networks]
        for name, tensor in self.stacked.state_dict(keep_vars=True).items():
            tensor.data = torch.stack([state[name].detach() for state in states])
        for layer in self.stacked.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                layer.register_forward_pre_hook(_to_own_type)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return the outputs (E, n, ...) of inputs (E, n, ...)."""
        outputs: Tensor = vmap(self._one)(self.stacked.state_dict(keep_vars=True), *inputs)
        return outputs

    def _one(self, state: dict[str, Tensor], *inputs: Tensor) -> Tensor:
        output: Tensor = functional_call(self.stacked, state, inputs)
        return output

    def copy_to(self, networks: Sequence[nn.Module]) -> None:
        """Give `networks` the parameters and buffers of this one, in order."""
        for member, network in enumerate(networks):
            stacked = self.stacked.state_dict()
            network.load_state_dict({name: tensor[member] for name, tensor in stacked.items()})


def _to_own_type(layer: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    """Return the inputs in the type of the layer's statistics: stacked, it does not take others as it does alone."""
    return (inputs[0].to(layer.running_mean.dtype),)  # type: ignore[arg-type]


def join(networks: Sequence[nn.Module]) -> nn.Module:
    """Return the only network as it is, or several as an ensemble."""
    return networks[0] if len(networks) == 1 else Ensemble(networks)
