"""How many images a second training takes in, together and one by one, measured in the same process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import torch

from .classifiers import pretrained_classifier
from .config import Config
from .data import load
from .train import train_end_to_end, train_together

__all__ = ["Speed", "speed"]


@dataclass(frozen=True)
class Speed:
    """Hold images a second, summed over the codecs that are trained at once.

    Parameters
    ----------
    together, one_by_one
        How many codecs were trained at once, and the images a second of that and of one codec alone.
    ratio
        The first by the second.
    """

    codecs: int
    together: float
    one_by_one: float

    @property
    def ratio(self) -> float:
        """Return how many times as fast codecs are trained together."""
        return self.together / self.one_by_one


def speed(config: Config, codecs: int, *, repeats: int = 3, graph: bool = False) -> Speed:
    """Time the training of `codecs` codecs at once and of one, the best of `repeats` turns each.

    The two take turns, so that a change in what else the machine does meets both.

    Examples
    --------
    >>> found = speed(Config(epochs=1, classifier_epochs=1), codecs=4, repeats=1)
    >>> found.together > 0 and found.codecs == 4
    True
    """
    pretrained_classifier(config)
    images = config.epochs * len(load(config).train)

    def of_all() -> object:
        return train_together([config] * codecs, graph=graph)

    def of_one() -> object:
        return train_end_to_end(config)

    seconds = _best([of_all, of_one], repeats, config.device)
    return Speed(codecs, codecs * images / seconds[0], images / seconds[1])


def _best(functions: Sequence[Callable[[], object]], repeats: int, device: str) -> list[float]:
    """Return the least time of each function over `repeats` turns, after one that does not count."""
    least = [float("inf")] * len(functions)
    for turn in range(repeats + 1):
        for number, function in enumerate(functions):
            start = perf_counter()
            function()
            if device.startswith("cuda"):
                torch.cuda.synchronize(device)
            if turn:
                least[number] = min(least[number], perf_counter() - start)
    return least
