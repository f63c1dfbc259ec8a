"""Difference distortions on uniform grids: an interior point on the letters that matter, without a table."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.linalg import LinAlgError

from rdcfunc.compilation import Plain
from rdcfunc.distortions import Difference, Distortion
from rdcfunc.information import Array, Indices
from rdcfunc.solvers.base import Structured, at_least_one
from rdcfunc.solvers.first_prices import first_price, last_tilt
from rdcfunc.solvers.path import Path
from rdcfunc.structure.certificate import bracket, lawful
from rdcfunc.structure.differences import live, tamed
from rdcfunc.structure.exponential import Exponential
from rdcfunc.structure.kernel import CUT, Factored
from rdcfunc.structure.smooth import Smooth, nodes_fit
from rdcfunc.structure.tilt import Tilt
from rdcfunc.structure.windows import Windows

#: First letters lie where ``s d`` of neighbours is this; for squared error .63 of the kernel's standard deviation.
_SPACING = 0.2
#: Entries of windows up to which all letters are taken at once, and after this many rounds of pricing.
_SMALL, _DENSE, _ROUNDS = 1.5e5, 1.5e6, 2
#: Grid steps between nodes from which interpolation is faster at once, and after the rounds.
_PITCH, _LATE_PITCH = 6, 3
#: Complementarity at which letters are first priced, and below which they are priced afresh with each tenth of it.
_FIRST, _TENTH, _LAST = 1e-4, 0.1, 0.04
#: The part of ``tol`` that an estimate of the bracket is to reach before the certificate is asked, how often it is
#: asked, and what it is to reach next.
_AIM, _ASKED, _CLOSER = 0.8, 5, 0.3
#: Mass of its neighbours that a new letter starts with, and the complementarity after it, in units of what it may earn.
_SHARE, _AFTER = 0.01, 0.02


@dataclass(frozen=True)
class Grid(Structured):
    """Difference distortions alone on uniform grids with ``rho(0) = 0``: n = 50 000 takes about a second.

    The law of the reproduction and the price follow one central path, on a few letters that are added to where prices
    ask for it. Newton systems are banded, for any rho by windows and for the absolute error by recursion, or small,
    by interpolation where the kernel of the squared error is smooth.

    Parameters
    ----------
    steps
        The most Newton steps.

    Examples
    --------
    >>> import numpy as np
    >>> import rdcfunc as rdc
    >>> from rdcfunc import sources, distortions, solvers
    >>> x = np.linspace(-6, 6, 2001)
    >>> gauss = np.exp(-0.5 * x**2)
    >>> problem = rdc.Problem(sources.Discrete(gauss / gauss.sum()), distortions.squared_error(x))
    >>> answer = rdc.rate(problem, D=0.25, solver=solvers.Grid(), tol=1e-9)
    >>> round(answer.value, 6), answer.gap < 1e-9
    (1.0, True)
    """

    steps: int = 120

    def __post_init__(self) -> None:
        at_least_one(self, "steps")

    def takes(self, distortion: Distortion) -> str | None:
        """Name a distortion that is no difference, or that cannot vanish."""
        if not isinstance(distortion, Difference):
            return f"takes differences on a uniform grid and the problem has a {type(distortion).__name__} distortion"
        if distortion.lags[distortion.shape[0] - 1] != 0:
            return "takes differences with rho(0) = 0 and the problem has a Difference distortion with more"
        return None

    def propose(self, plain: Plain, tol: float) -> Tilt:
        """Return the tilt of the narrowest bracket met on the way."""
        d = plain.distortion
        assert isinstance(d, Difference)
        with np.errstate(all="ignore"):  # A path that breaks down shows in its bracket.
            last = last_tilt(d, lawful(plain), plain.target.D, plain.rate)
            # The tangent where nothing is sent may do, which no path can tell from it.
            if plain.rate < 0.5 * tol * last.price:
                return last
            return _Walk(plain, d, tol, last.price).best(self.steps)


class _Walk:
    """A path, the letters it may use, and the best tilt on it so far."""

    def __init__(self, plain: Plain, d: Difference, tol: float, least: float) -> None:
        self.plain, self.d, self.tol, p = plain, d, tol, lawful(plain)
        self.n, self.rows = len(p), live(p)
        D, rate = plain.target.D, plain.rate
        s = max(first_price(d, p, D, rate), least)
        self.path = Path(self._few(s), p[self.rows], s, D, rate)
        self.found: Tilt | None = None
        self.least, self.rounds, self.asked, self.aim = math.inf, 0, 0, _AIM

    def best(self, steps: int) -> Tilt:
        """Walk until the certificate is content, or the steps are spent."""
        path, target = self.path, _FIRST
        for step in range(steps):
            if path.gap < target:
                loss, new = self._price(step)
                if self._done(loss + path.miss):
                    break
                central = loss + path.miss < 3 * path.gap or path.miss > loss
                if central or len(new) == 0 or len(path.q) == self.n:
                    target = max(_TENTH * path.gap, _LAST * self.aim * self._nats)
                else:
                    self._add(new, loss)
                    target = max(_AFTER * loss, 0.1 * self._nats)
            try:
                path.step()
            except (LinAlgError, ArithmeticError, ValueError):
                break
            if not math.isfinite(path.gap + path.s):
                break
        return self.found or self._tilt(steps)

    @property
    def _nats(self) -> float:
        """The bracket asked for, in nats."""
        return self.tol if self.plain.minimises_rate else self.tol * self.path.s

    def _full(self, u: Array, at: Indices) -> Array:
        full = np.zeros(self.n)
        full[at] = u
        return full

    def _tilt(self, step: int) -> Tilt:
        path = self.path
        q = self._full(path.q / path.q.sum(), path.kernel.letters)
        return Tilt(q, float(path.s), self._full(path.y, self.rows), step)

    def _price(self, step: int) -> tuple[float, Indices]:
        """Return the estimated width of the bracket, but for the level, and letters that would earn more than one."""
        path = self.path
        c, y, kernel = tamed(self.d.lags, path.s, self._full(path.y, self.rows))
        top = float(kernel.transposed(y, 0)[0].max())
        loss = float(path.p @ np.log(path.p / (path.v * y[self.rows]))) + math.log(path.q.sum()) + math.log(top)
        if loss + path.miss < self.least:
            self.least, self.found = loss + path.miss, self._tilt(step)
        padded = np.concatenate(([-1.0], c, [-1.0]))
        peaks = (c >= padded[:-2]) & (c >= padded[2:]) & (c > 1 + 0.1 * self._nats)
        return loss, np.setdiff1d(np.flatnonzero(peaks), path.kernel.letters)

    def _done(self, width: float) -> bool:
        """Return whether the bracket is closed: estimates leave out what the certificate allows for rounding."""
        if self.found is None or not width < self.aim * self._nats:
            return False
        certified = bracket(self.plain, self.found)
        self.asked += 1
        self.aim *= _CLOSER
        return certified.upper - certified.lower <= self.tol or self.asked == _ASKED

    def _add(self, new: Indices, loss: float) -> None:
        """Restart with new letters, or with all of them if it comes to that and they can be afforded."""
        path, self.rounds = self.path, self.rounds + 1
        old = path.kernel.letters
        every = self._all(path.s) if self.rounds == _ROUNDS else None
        if every is None:
            right = np.clip(np.searchsorted(old, new), 1, len(old) - 1)
            given, kept = _SHARE * (path.q[right - 1] + path.q[right]), path.q.copy()
            kept[np.union1d(right - 1, right)] *= 1 - _SHARE
            kernel = path.kernel.joined(new)
            q = np.concatenate((kept, given))[np.argsort(np.concatenate((old, new)))]
        else:
            kernel, q = every, np.interp(every.letters, old, path.q / np.gradient(old))
        margin = min(0.05, max(1e-5, loss**0.75))
        path.restart(kernel, (1 - margin) * q / q.sum() + margin / len(q), margin)

    def _window(self, s: float) -> float:
        """Return the entries of windows on all letters."""
        return self.n * min(self.n, 1.2 * float(np.count_nonzero(s * self.d.lags <= CUT)))

    def _few(self, s: float) -> Factored:
        """Return the kernel on the letters to start from."""
        if self.d.power == 1:
            return Exponential(self.d.unit, self.n, self.rows, s)
        smooth = self._smooth(s, _PITCH)
        if smooth is not None:
            return smooth
        near = np.flatnonzero(s * self.d.lags <= _SPACING) - (self.n - 1)
        stride = 1 if self._window(s) <= _SMALL else max(1, min(-int(near[0]), int(near[-1])))
        spread = np.linspace(0, self.n - 1, -(-(self.n - 1) // stride) + 1)
        return Windows(self.d.lags, self.rows, np.unique(np.rint(spread).astype(np.intp)), s)

    def _all(self, s: float) -> Factored | None:
        """Return the kernel on all letters, if that can be afforded."""
        smooth = self._smooth(s, _LATE_PITCH)
        if smooth is not None or self._window(s) > _DENSE:
            return smooth
        return Windows(self.d.lags, self.rows, np.arange(self.n), s)

    def _smooth(self, s: float, pitch: int) -> Factored | None:
        fits = self.d.power == 2 and nodes_fit(self.d.unit, self.n, s, pitch)
        return Smooth(self.d.unit, self.n, self.rows, s) if fits else None
