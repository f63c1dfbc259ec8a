"""Codecs that are trained together: what they have in common, and what each has of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from .classifiers import pretrained_classifier
from .config import Config, Weights
from .data import load
from .ensemble import join
from .streams import Stream

__all__ = ["Group", "alike"]


def alike(first: Config, second: Config) -> bool:
    """Return whether two codecs can be trained together: equal but for their weights and seeds.

    Codecs with a critic are trained apart from those without.

    Examples
    --------
    >>> alike(Config(seed=1, classification_weight=0.01), Config()), alike(Config(perception_weight=0.01), Config())
    (True, False)
    """
    critics = {config.perception_weight > 0 for config in (first, second)}
    return len(critics) == 1 and _common(first) == _common(second)


def _common(config: Config) -> Config:
    return replace(config, seed=0).weighing(Weights())


class Group:
    """Give E codecs that are trained together their examples, dithers and weights.

    Codecs of one seed see the same examples and dithers, as each would alone. Tensors of several codecs are stacked
    along a leading axis; those of a single one are not.

    Parameters
    ----------
    configs
        What to train, alike.
    stream
        The seed of what is random in this training, from the seed of a configuration.

    Raises
    ------
    ValueError
        If there is no configuration, or two are not alike.
    """

    def __init__(self, configs: Sequence[Config], stream: Callable[[int], int] = lambda seed: seed) -> None:
        if not configs:
            raise ValueError("there is nothing to train (got no configuration)")
        for config in configs:
            if not alike(config, configs[0]):
                raise ValueError(
                    f"codecs trained together must be equal but for weights and seeds, with a critic each or none "
                    f"(got {config} and {configs[0]}); train them one by one"
                )
        self.config, self.configs, self.data = configs[0], tuple(configs), load(configs[0])
        self.stream, self.seeds = stream, [stream(config.seed) for config in configs]
        distinct = list(dict.fromkeys(self.seeds))
        places = [distinct.index(seed) for seed in self.seeds]
        self._which = torch.tensor(places, device=self.config.device)
        self.order = self._generators(Stream.ORDER, distinct)
        self.noise = self._generators(Stream.DITHER, distinct)

    @property
    def alone(self) -> bool:
        """Return whether there is one codec only."""
        return len(self.configs) == 1

    def classifiers(self) -> nn.Module:
        """Return the frozen classifier of each codec."""
        return join([pretrained_classifier(config) for config in self.configs])

    def weight(self, value: Callable[[Weights], float]) -> float | Tensor:
        """Return a weight of each codec's loss, a number or a tensor (E,)."""
        values = [value(config.weights) for config in self.configs]
        return values[0] if self.alone else torch.tensor(values, device=self.config.device)

    def own(self, index: Tensor) -> Tensor:
        """Return the indices of each codec, (n,) or (E, n), from those of each seed, (seeds, n)."""
        return index[0] if self.alone else index[self._which]

    def draw(self, noise: Callable[[torch.Generator], Tensor]) -> Tensor:
        """Draw `noise` for each codec, stacked if there are several."""
        drawn = [noise(generator) for generator in self.noise]
        return drawn[0] if self.alone else torch.stack(drawn)[self._which]

    def _generators(self, stream: Stream, seeds: Sequence[int]) -> tuple[torch.Generator, ...]:
        return tuple(stream.generator(seed, self.config.device) for seed in seeds)
