"""The one training loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from rdcfunc.files import write

from . import archive
from .graph import Recorded
from .models import freeze

__all__ = ["Opponent", "fit"]

_SECONDS_BETWEEN_CHECKPOINTS = 20.0


@dataclass(frozen=True, eq=False)
class Opponent:
    """Describe a second player, who makes a step of its own before every step of the first.

    Parameters
    ----------
    module
        What it trains.
    loss
        Its loss of the examples at the indices, as that of `fit`.
    learning_rate
        Adam's, of constant size.
    order
        The generators of its own permutations.
    noise
        Generators that its loss draws from.
    """

    module: nn.Module
    loss: Callable[[Tensor], Tensor]
    learning_rate: float
    order: Sequence[torch.Generator]
    noise: Sequence[torch.Generator] = ()


def fit(
    module: nn.Module,
    loss: Callable[[Tensor], Tensor],
    count: int,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    betas: tuple[float, float],
    order: torch.Generator | Sequence[torch.Generator],
    drop_epoch: int | None = None,
    opponent: Opponent | None = None,
    noise: Sequence[torch.Generator] = (),
    checkpoint: Path | None = None,
    graph: bool = False,
    progress: bool = False,
) -> tuple[Any, ...]:
    """Minimise the mean of `loss` over `count` examples with Adam, then freeze `module`.

    The learning rate falls from `learning_rate` to zero along a cosine, step by step, or is divided by 5 after
    `drop_epoch` epochs. An epoch is a fresh permutation cut into batches of equal size; the examples left over wait
    for the next permutation, since a small last batch would disturb batch normalisation.

    Parameters
    ----------
    module
        What is trained; nothing else is changed.
    loss
        The mean loss of the examples at the indices (batch_size,), a scalar with a gradient. With several orders the
        indices have shape (orders, batch_size), and losses (E,) of an ensemble are minimised each by itself.
    count
        Number of examples.
    epochs, batch_size, learning_rate, betas, drop_epoch
        Settings of Adam and its schedule.
    order
        The generator of the permutations, or several, on the device of the data.
    opponent
        A second player, if any.
    noise
        Generators that `loss` draws from, so that a checkpoint and a graph can hold them.
    checkpoint
        A file that holds the state after some epoch. If it is there, training goes on from it, to the same end; a
        damaged one is moved aside.
    graph
        Record one step as a CUDA graph and replay it; without CUDA this does nothing.
    progress
        Show a bar.

    Returns
    -------
    tuple
        The mean loss of each epoch, a float, or a list of E floats.

    Raises
    ------
    FloatingPointError
        If the loss stops being finite.

    Examples
    --------
    >>> line, x = nn.Linear(1, 1), torch.linspace(-1, 1, 64)[:, None]
    >>> history = fit(line, lambda index: (line(x[index]) - 3 * x[index]).square().mean(), 64, epochs=40,
    ...     batch_size=16, learning_rate=0.1, betas=(0.9, 0.999), order=torch.Generator().manual_seed(0))
    >>> len(history), history[-1] < 1e-3
    (40, True)
    """
    batch_size = min(batch_size, count)
    batches = count // batch_size
    orders = order if isinstance(order, torch.Generator) else tuple(order)
    graph = graph and torch.cuda.is_available()
    players = [_Player(module, loss, learning_rate, betas, orders, graph)]
    if opponent is not None:
        rate, opposing = opponent.learning_rate, tuple(opponent.order)
        players.insert(0, _Player(opponent.module, opponent.loss, rate, betas, opposing, graph))
        noise = [*noise, *opponent.noise]
    state = _State(players, noise, checkpoint)

    def step(*indices: Tensor) -> Tensor:
        return [player.step(index) for player, index in zip(players, indices, strict=True)][-1]

    if graph:
        step = Recorded(step, noise)
    done = len(state.history)
    for epoch in tqdm(range(done, epochs), initial=done, total=epochs, disable=not progress, unit="epoch"):
        drawn = [player.batches(count, batch_size) for player in players]
        total = torch.zeros((), device=players[-1].rate.device)
        for number, indices in enumerate(zip(*drawn, strict=True)):
            part = (epoch * batches + number) / (epochs * batches)
            falling = (1 + math.cos(math.pi * part)) / 2 if drop_epoch is None else (0.2 if epoch >= drop_epoch else 1)
            players[-1].rate.fill_(learning_rate * falling)
            total = total + step(*indices)  # read once an epoch: reading a number waits for the device
        mean = total / batches
        if not bool(mean.isfinite().all()):
            raise FloatingPointError(
                f"the loss is {mean.tolist()} in epoch {epoch + 1}; lower learning_rate (now {learning_rate:g})"
            )
        state.after_epoch(mean.tolist(), last=epoch + 1 == epochs)
    for player in players:
        freeze(player.module)
    return tuple(state.history)


class _Player:
    """A module, its loss and its optimiser."""

    def __init__(
        self,
        module: nn.Module,
        loss: Callable[[Tensor], Tensor],
        learning_rate: float,
        betas: tuple[float, float],
        order: torch.Generator | tuple[torch.Generator, ...],
        graph: bool,
    ) -> None:
        self.module, self.loss, self.order = module.train(), loss, order
        self.parameters = list(module.parameters())
        self.rate = torch.tensor(learning_rate, device=self.parameters[0].device)  # a number could not be recorded
        self.adam = torch.optim.Adam(self.parameters, lr=self.rate, betas=betas, fused=True, capturable=graph)

    def batches(self, count: int, size: int) -> tuple[Tensor, ...]:
        """Return the indices of the next epoch's batches, each (size,) or (orders, size)."""
        alone = isinstance(self.order, torch.Generator)
        orders = (self.order,) if isinstance(self.order, torch.Generator) else self.order
        permutations = torch.stack([torch.randperm(count, generator=each, device=each.device) for each in orders])
        used = permutations[:, : count // size * size].view(len(orders), -1, size).transpose(0, 1)
        return (used[:, 0] if alone else used.contiguous()).unbind()

    def step(self, index: Tensor) -> Tensor:
        """Make one step and return the losses before it."""
        self.adam.zero_grad()
        losses = self.loss(index)
        torch.autograd.backward(losses.sum(), inputs=self.parameters)
        self.adam.step()
        return losses.detach()


class _State:
    """Everything that the rest of a training depends on, kept in a file if there is one."""

    def __init__(self, players: list[_Player], noise: Sequence[torch.Generator], path: Path | None) -> None:
        self.players, self.path, self.saved = players, path, monotonic()
        orders = [player.order for player in players]
        self.generators = [*noise]
        for each in orders:
            self.generators += [each] if isinstance(each, torch.Generator) else each
        self.history: list[Any] = []
        content = None if path is None else archive.kept(path)
        if content is not None:
            self.history = content["history"]
            for player, (module, adam) in zip(players, content["players"], strict=True):
                player.module.load_state_dict(module)
                player.adam.load_state_dict(adam)
                player.adam.param_groups[0]["lr"] = player.rate
            for generator, state in zip(self.generators, content["generators"], strict=True):
                generator.set_state(state)

    def after_epoch(self, loss: Any, *, last: bool) -> None:
        self.history.append(loss)
        if self.path is None or (monotonic() - self.saved < _SECONDS_BETWEEN_CHECKPOINTS and not last):
            return
        content = {
            "history": self.history,
            "players": [(player.module.state_dict(), player.adam.state_dict()) for player in self.players],
            "generators": [generator.get_state() for generator in self.generators],
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write(self.path, lambda file: torch.save(content, file))
        self.saved = monotonic()
