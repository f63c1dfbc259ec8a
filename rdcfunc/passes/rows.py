"""Samples on a machine, row by row: two products of matrices a pass, in chunks, added up in double precision."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rdcfunc.information import Array, Indices
from rdcfunc.passes.base import Machine, Part
from rdcfunc.passes.cloud import Cloud, Sums
from rdcfunc.passes.on_numpy import NumPy

#: Entries of a chunk (rows times letters).
_CHUNK = 2**22


class Rows:
    """Samples (n, k) about their mean, those of one class in a row, on a machine.

    Parameters
    ----------
    points, pmf
        The samples and their probabilities.
    classes
        Their classes, n integers below K, or None.
    K
        The number of classes.
    machine
        Where passes are made. If several processes share the rows, each holds every size-th one of them.
    axes
        Orthonormal columns (k, q): passes see these coordinates only.
    """

    def __init__(
        self,
        points: Array,
        pmf: Array,
        classes: Indices | None = None,
        K: int = 1,
        machine: Machine | None = None,
        axes: Array | None = None,
    ) -> None:
        self.machine = NumPy(False) if machine is None else machine
        self.K = K if classes is not None else 1
        self.centre, self.pmf, self._points = pmf @ points, pmf, points
        labels = np.zeros(len(points), dtype=np.intp) if classes is None else classes
        order = np.argsort(labels, kind="stable")[self.machine.rank :: self.machine.size]
        order = order[pmf[order] > 0]
        self.order, self.labels, self.p = order, labels[order], pmf[order]
        self.axes = axes
        self.total, self.n, self.k = len(points), len(order), points.shape[1] if axes is None else axes.shape[1]
        shown = self.some(order)
        self.norms = np.einsum("xk,xk->x", shown, shown)
        self.energy = float(self.machine.add(np.array([self.p @ self.norms]))[0])
        self.x, self.weights = self.machine.put(shown), self.machine.put(self.p)
        ends = np.searchsorted(self.labels, np.arange(self.K + 1))
        self._classes = [(c, int(ends[c]), int(ends[c + 1])) for c in range(self.K)]
        #: Entries of a chunk; fewer once memory has run out.
        self._chunk = _CHUNK

    def _in_parts(self, m: int, work: Callable[[list[Part]], tuple[Array, ...]]) -> tuple[Array, ...]:
        """Return what is made of the rows in parts for m letters, which are halved as often as memory runs out."""
        while True:
            step = max(1, self._chunk // max(1, m))
            parts = [
                (c, at, min(at + step, stop)) for c, start, stop in self._classes for at in range(start, stop, step)
            ]
            try:
                return work(parts)
            except self.machine.exhausted as error:
                if step == 1:
                    raise MemoryError(
                        f"memory ran out at {m} letters for one sample at a time ({error}); use fewer of either"
                    ) from error
                self._chunk = step * m // 2

    def sweep(self, cloud: Cloud) -> Sums:
        """Return the sums of a pass of a cloud over all rows of all processes."""
        return self.look(cloud)[0]

    def look(self, cloud: Cloud) -> tuple[Sums, Array]:
        """Return the sums, and ``log z_x`` of the rows of this process."""
        put = self.machine.put
        letters, bias = put(2 * cloud.s * cloud.letters), put(cloud.bias())
        mass, moments, log_z = self._in_parts(
            cloud.m, lambda parts: self.machine.sweep(self.x, self.weights, parts, letters, bias)
        )
        log_z = log_z - cloud.s * self.norms
        flat = np.concatenate([mass.ravel(), moments.ravel(), [float(self.p @ log_z)]])
        flat = self.machine.add(flat)
        parts = flat[: mass.size].reshape(mass.shape), flat[mass.size : -1].reshape(moments.shape)
        return Sums(*parts, float(flat[-1]), self.energy), log_z

    def earned(self, log_v: Array, points: Array, s: float, told: Array | None = None) -> tuple[Array, Array]:
        """Return ``A(c, j) = Σ_x v_x e^{-s |x - u_j|²}`` over samples of class c, and where the mean shift leads.

        Parameters
        ----------
        log_v
            Logarithms of weights of this process's rows.
        points
            Points u (u, k).
        told
            Factors of the classes (K, u) in the mean shift.
        """
        put, factors = self.machine.put, np.ones((self.K, len(points))) if told is None else told
        # Distances are at least zero, so that nothing overflows.
        shift = log_v - s * self.norms
        squares = s * (points**2).sum(axis=1)
        top = float(shift.max() + 2 * s * np.sqrt(self.norms.max()) * np.sqrt((points**2).sum(axis=1).max()))
        scale = max(0.0, top - 80.0)
        given = put(2 * s * points), put(factors)
        shifted = put(shift - scale)
        earned, moments = self._in_parts(len(points), lambda parts: self.machine.kernel(self.x, shifted, parts, *given))
        flat = self.machine.add(np.concatenate([earned.ravel(), moments.ravel()]))
        earned, moments = flat[: earned.size].reshape(earned.shape), flat[earned.size :].reshape(moments.shape)
        mass = (earned * factors).sum(axis=0)
        means = moments / np.maximum(mass, 1e-300)[:, None]
        with np.errstate(divide="ignore"):
            return np.log(earned) + scale - squares, means

    def gathered(self, values: Array) -> Array:
        """Return one number for each of all samples (total,) from those of the rows of each process; else zero."""
        every = np.zeros(self.total)
        every[self.order] = values
        return self.machine.add(every)

    def some(self, which: Indices) -> Array:
        """Return some of all samples, about the mean, in these axes and in double precision."""
        about = self._points[which] - self.centre
        found: Array = about if self.axes is None else about @ self.axes
        return found
