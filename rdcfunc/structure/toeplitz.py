"""Kernels exp(-s rho(i - j)) on all points of a uniform grid, by transforms with a-priori bounds on their errors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from rdcfunc.information import Array, Indices
from rdcfunc.structure.kernel import UNIT, Bounded

#: Half width, in lags, up to which direct sums are faster than transforms; they are more accurate, too.
_BAND = 48


@dataclass(frozen=True, eq=False)
class Toeplitz:
    r"""The operator :math:`K_{ij} = e^{-s \rho(i-j)}` and its derivatives :math:`K \circ d^k`.

    Attributes
    ----------
    lags
        ``lags[n - 1 + i - j] = rho(i - j) >= 0``, zero at lag zero, shape (2 n - 1,).
    s
        Price, nats per unit of distortion.
    kind
        Type of kernel and transforms; :class:`numpy.longdouble`, where it is longer, makes :meth:`error` smaller.
    """

    lags: Array
    s: float
    kind: type = np.float64

    @property
    def n(self) -> int:
        """The number of points."""
        return (len(self.lags) + 1) // 2

    @cached_property
    def kernel(self) -> NDArray[Any]:
        """The (2 n - 1,) values exp(-s rho)."""
        return np.exp(self.kind(-self.s) * self.lags.astype(self.kind))

    @cached_property
    def unit(self) -> float:
        """Rounding unit of the arithmetic."""
        return float(np.finfo(self.kind).eps) / 2

    @cached_property
    def reach(self) -> int:
        """The largest lag whose kernel is not below 2^-199, which no sum notices."""
        alive = np.flatnonzero(self.s * self.lags < 138.0) - (self.n - 1)
        return int(max(-alive[0], alive[-1]))

    @cached_property
    def size(self) -> int:
        """Length of the transforms: no lag wraps round onto another."""
        return int(fft.next_fast_len(self.n + self.reach, real=True))

    @property
    def _within(self) -> slice:
        return slice(self.n - 1 - self.reach, self.n + self.reach)

    def weights(self, power: int = 0) -> NDArray[Any]:
        """Return ``K ∘ d^power`` by lag, cut to its reach."""
        return self.kernel[self._within] * self.lags[self._within] ** power if power else self.kernel[self._within]

    @cached_property
    def _spectra(self) -> dict[int, NDArray[Any]]:
        return {}

    def _spectrum(self, power: int) -> NDArray[Any]:
        """Return the transform of the weights, lag zero first."""
        if power not in self._spectra:
            w, r = self.weights(power), self.reach
            ring: NDArray[Any] = np.zeros(self.size, self.kind)
            ring[: r + 1] = w[r:]
            ring[-r:] += w[:r]
            self._spectra[power] = fft.rfft(ring)
        return self._spectra[power]

    def times(self, q: Array, *powers: int) -> list[Array]:
        """Return ``(K ∘ d^k) @ q`` for every power k."""
        return self._product(q, powers, adjoint=False)

    def transposed(self, y: Array, *powers: int) -> list[Array]:
        """Return ``(K ∘ d^k).T @ y`` for every power k."""
        return self._product(y, powers, adjoint=True)

    def _product(self, u: Array, powers: tuple[int, ...], adjoint: bool) -> list[Array]:
        if self.reach <= _BAND:
            turn = slice(None, None, -1 if adjoint else 1)
            inside = slice(self.reach, self.reach + self.n)
            return [np.convolve(u, self.weights(k)[turn])[inside].astype(np.float64) for k in powers]
        f = fft.rfft(u.astype(self.kind), self.size)
        spectra = (self._spectrum(k) for k in powers)
        products = (fft.irfft(f * (g.conj() if adjoint else g), self.size)[: self.n] for g in spectra)
        return [v.astype(np.float64) for v in products]

    def error(self, u: Array, power: int = 0) -> float:
        r"""Bound the largest error of a component of either product with ``u >= 0``, kernel rounding included.

        Notes
        -----
        A transform of length N errs by at most :math:`f = 12 \epsilon \log_2 N` relative to its 2-norm (Higham,
        *Accuracy and Stability*, theorem 24.2: 5.7 and the error of a twiddle, which takes two or three units in
        pocketfft; an odd radix does no worse per bit). With Parseval a circular convolution w * u errs by at most

        .. math:: f (2 \|w\|_1 \|u\|_2 + \|w\|_2 \|u\|_1) (1 + 4 f)

        in the 2-norm, hence in every component. A direct sum of non-negative terms errs by at most the number of its
        terms times epsilon, relatively, and is at most :math:`\|w\|_\infty \|u\|_1`. The exponential of a rounded
        product errs by :math:`(s \rho + 3) \epsilon` relatively, and a power adds one rounding each. Lags beyond the
        reach weigh less than :math:`2^{-199}` times d^k. Rounding to double at the end adds its unit, relatively.
        """
        w = self.weights(power)
        unit, one, two = self.unit, float(np.abs(u).sum()), float(np.linalg.norm(u))
        kernel = float((w * (self.s * self.lags[self._within] + 3 + power)).max()) * one * unit
        tail = float(self.lags.max()) ** power * 2.0**-199 * one
        high, total, norm = float(w.max()), float(w.sum()), float(np.sqrt((w * w).sum()))
        last = UNIT * high * one
        if self.reach <= _BAND:
            return 1.01 * (kernel + tail + last + (2 * self.reach + 2) * unit * high * one)
        f = 12 * unit * np.log2(self.size)
        return float(1.01 * (kernel + tail + last + f * (2 * total * two + norm * one)))


class Transforms(Bounded):
    """All sums by transforms in 80 bits, for windows that would be too large."""

    def __init__(self, lags: Array, rows: Indices, letters: Indices, s: float) -> None:
        self.lags, self.rows, self.letters = lags, rows, letters
        self.at(s)

    def at(self, s: float) -> Transforms:
        self._kernel = Toeplitz(self.lags, s, np.longdouble)
        return self

    def _filled(self, u: Array, at: Indices) -> Array:
        full = np.zeros(self._kernel.n)
        full[at] = u
        return full

    def times(self, q: Array, *powers: int) -> list[Array]:
        return [v[self.rows] for v in self._kernel.times(self._filled(q, self.letters), *powers)]

    def transposed(self, y: Array, *powers: int) -> list[Array]:
        return [c[self.letters] for c in self._kernel.transposed(self._filled(y, self.rows), *powers)]

    def accuracy(self, q: Array) -> tuple[Array, Array]:
        full = self._filled(q, self.letters)
        thin, thick = (np.full(len(self.rows), self._kernel.error(full, k)) for k in (0, 1))
        return thin, thick
