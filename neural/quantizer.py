"""Subtractive dithered quantisation: noise that is uniform and independent of the input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Quantizer"]


@dataclass(frozen=True)
class Quantizer:
    """Quantise each of d numbers in [-1, 1] to L evenly spaced centres, under a dither both ends know.

    With the step Δ = 2/(L-1), the centres are -1, -1+Δ, ..., 1. For a feature |f| <= 1 and a dither
    u ~ U(-Δ/2, Δ/2), the sender transmits the index of z = Q(f + u), the centre nearest to f + u, and the
    receiver reads z - u. No sum f + u is further than Δ/2 from its centre, so

        z - u = f + e,    e ~ U(-Δ/2, Δ/2) independent of f   (Schuchman's condition).

    Parameters
    ----------
    dimension
        Latents d.
    levels
        Centres L >= 2 of each latent.
    clipped
        Whether those are all. If not, the same grid goes on to both sides, so that features need not be bounded for
        the error to be uniform; messages then have no nominal rate, only an entropy.

    References
    ----------
    Zhang, Qian, Chen and Khisti, "Universal rate-distortion-perception representations for lossy
    compression", NeurIPS 2021, arXiv:2106.10311, section 5 and its appendix.

    Examples
    --------
    >>> quantizer = Quantizer(dimension=2, levels=3)
    >>> quantizer.step, quantizer.messages
    (1.0, 9)
    >>> features, dither = torch.tensor([[0.2, -0.9]]), torch.tensor([[0.4, -0.25]])
    >>> quantizer.codes(features, dither)  # centres (1, -1), that is indices (2, 0) to base 3
    tensor([6])
    >>> quantizer(features, dither)
    tensor([[ 0.6000, -0.7500]])
    """

    dimension: int
    levels: int
    clipped: bool = True

    @property
    def step(self) -> float:
        """Return the distance Δ = 2/(L-1) between centres."""
        return 2 / (self.levels - 1)

    @property
    def messages(self) -> int:
        """Return the number of messages, L^d if clipped."""
        return int(self._centre_count**self.dimension)

    @property
    def _beyond(self) -> int:
        """Return how many centres lie on each side of [-1, 1]; a message has to fit into 62 bits."""
        return 0 if self.clipped else (min(2**20, int(2 ** (62 / self.dimension))) - self.levels) // 2

    @property
    def _centre_count(self) -> int:
        return self.levels + 2 * self._beyond

    def dither(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw `count` dithers, shape (count, d), on the generator's device."""
        uniform = torch.rand(count, self.dimension, generator=generator, device=generator.device)
        return (uniform - 0.5) * self.step

    def __call__(self, features: Tensor, dither: Tensor) -> Tensor:
        """Return what the receiver reads, z - u, with the gradient of the identity in `features`.

        Parameters
        ----------
        features
            Numbers in [-1, 1], shape (n, d).
        dither
            Shape (n, d), or (1, d) for one dither shared by all.
        """
        received = self._centres(self._indices(features, dither)) - dither
        # f - f is an exact zero that carries the gradient: the value stays a function of message and dither.
        return received + (features - features.detach())

    def overload(self, features: Tensor, dither: Tensor) -> Tensor:
        """Return which features have no centre within half a step, (n, d): there the error is not uniform.

        Where |f| <= 1, or where the quantiser is not clipped, there are none.
        """
        error = self(features.detach(), dither) - features.detach()
        return error.abs() > self.step * (0.5 + 1e-5)

    def codes(self, features: Tensor, dither: Tensor) -> Tensor:
        """Return the messages sent, integers from 0 of shape (n,), the first latent the leading digit."""
        return (self._indices(features, dither) * self._places(features.device)).sum(-1)

    def receive(self, codes: Tensor, dither: Tensor) -> Tensor:
        """Return what the receiver reads, z - u of shape (n, d), from the messages (n,) and the dither."""
        return self._centres(self.digits(codes)) - dither

    def digits(self, codes: Tensor) -> Tensor:
        """Return the index of each latent's centre, (n, d), from the messages (n,)."""
        return codes[:, None] // self._places(codes.device) % self._centre_count

    def _indices(self, features: Tensor, dither: Tensor) -> Tensor:
        nearest = torch.round((features.detach() + dither + 1) / self.step) + self._beyond
        # Where |f| <= 1 only rounding can leave the range: f + u = ±(1 + Δ/2) is a tie between a centre and none.
        return nearest.clamp_(0, self._centre_count - 1).long()

    def _centres(self, indices: Tensor) -> Tensor:
        return (indices - self._beyond) * self.step - 1

    def _places(self, device: torch.device) -> Tensor:
        powers = [self._centre_count**k for k in reversed(range(self.dimension))]
        return torch.tensor(powers, dtype=torch.int64, device=device)
