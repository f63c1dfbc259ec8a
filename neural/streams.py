"""Independent streams of random numbers from one seed, none of them torch's global one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import numpy as np
import torch

__all__ = ["Stream", "seeded_weights"]


class Stream(IntEnum):
    """Name what random numbers are for; streams of different names or seeds are independent.

    `of` derives a seed from a seed, so names nest: ``Stream.ORDER.generator(Stream.JUDGE.of(seed))`` is the
    order in which the judge sees the examples.

    Examples
    --------
    >>> Stream.ORDER.of(0) == Stream.ORDER.of(0), Stream.ORDER.of(0) == Stream.DITHER.of(0)
    (True, False)
    """

    WEIGHTS = 0
    ORDER = 1
    DITHER = 2
    CLASSIFIER = 3
    JUDGE = 4
    UNIVERSAL = 5
    MEASURE = 6
    CRITIC = 7
    REFINEMENT = 8

    def of(self, seed: int) -> int:
        """Return the 64-bit seed of this stream under `seed`."""
        return int(np.random.SeedSequence([seed, self.value]).generate_state(1, np.uint64)[0])

    def generator(self, seed: int, device: str = "cpu") -> torch.Generator:
        """Return a fresh generator of this stream under `seed`."""
        return torch.Generator(device).manual_seed(self.of(seed))


@contextmanager
def seeded_weights(seed: int) -> Iterator[None]:
    """Draw the initial weights of layers under `seed`, and leave torch's global generator as it was.

    Layers draw from the global generator of the CPU: build them there, then move them.

    Examples
    --------
    >>> before = torch.get_rng_state()
    >>> with seeded_weights(0):
    ...     layer = torch.nn.Linear(2, 2)
    >>> bool((torch.get_rng_state() == before).all())
    True
    """
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would reseed the GPUs too, which devices=[] does not restore.
        torch.default_generator.manual_seed(Stream.WEIGHTS.of(seed))
        yield
