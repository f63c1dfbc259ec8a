"""The one training loop."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from tqdm import tqdm

from .models import freeze

__all__ = ["fit"]


def fit(
    module: nn.Module,
    loss: Callable[[Tensor], Tensor],
    count: int,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    betas: tuple[float, float],
    order: torch.Generator,
    progress: bool = False,
) -> tuple[float, ...]:
    """Minimise the mean of `loss` over `count` examples with Adam, then freeze `module`.

    The learning rate falls from `learning_rate` to zero along a cosine, step by step. An epoch is a fresh
    permutation cut into batches of equal size; the examples left over wait for the next permutation, since
    a small last batch would disturb batch normalisation.

    Parameters
    ----------
    module
        What is trained; nothing else is changed.
    loss
        The mean loss of the examples at the indices (batch_size,), a scalar with a gradient.
    count
        Number of examples.
    epochs, batch_size, learning_rate, betas
        Settings of Adam and its schedule.
    order
        The generator of the permutations, on the device of the data.
    progress
        Show a bar.

    Returns
    -------
    tuple of float
        The mean loss of each epoch.

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
    adam = torch.optim.Adam(module.parameters(), lr=learning_rate, betas=betas, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, epochs * batches)
    module.train()
    history: list[float] = []
    for epoch in tqdm(range(epochs), disable=not progress, unit="epoch"):
        total = torch.zeros((), device=order.device)
        permutation = torch.randperm(count, generator=order, device=order.device)
        for index in permutation[: batches * batch_size].view(batches, batch_size):
            adam.zero_grad()
            batch_loss = loss(index)
            torch.autograd.backward(batch_loss)
            adam.step()
            schedule.step()
            total += batch_loss.detach()  # read once an epoch: reading a number waits for the device
        history.append(total.item() / batches)
        if not math.isfinite(history[-1]):
            raise FloatingPointError(
                f"the loss is {history[-1]} in epoch {epoch + 1}; lower learning_rate (now {learning_rate:g})"
            )
    freeze(module)
    return tuple(history)
