"""
A divergence of your own
========================

A divergence states its value, its support function and its conic form; certificates and solvers do the rest. An
f-divergence gets the support function from a conjugate. Here is the Pearson-Vajda divergence of order 4, f(u) = (u
- 1)⁴, which forgives small deviations and punishes large ones.
"""

from dataclasses import dataclass
from math import inf

import cvxpy as cp
import matplotlib.pyplot as plt
import numpy as np

import rdcfunc as rdc
from rdcfunc import distortions, perceptions, plotting, solvers, sources


@dataclass(frozen=True)
class FourthPower(perceptions.FDivergence):
    """``Σ p (q / p - 1)⁴``."""

    domain = (-4.0, inf)

    def value(self, p, q):
        ratio = np.divide(q, p, out=np.ones_like(q), where=p > 0)
        return float(p @ (ratio - 1) ** 4)

    def conjugate(self, w):
        step = np.cbrt(w / 4)  # sup_u u w - (u - 1)⁴ is at u = 1 + step
        with np.errstate(divide="ignore"):
            return w + 0.75 * step * w, 1 + step, 1 / (12 * step**2)

    def slope(self, u):
        return 4 * (u - 1) ** 3

    def conic(self, p, q):
        return cp.sum(cp.multiply(p, cp.power(q / p - 1, 4))), []


source, hamming = sources.Discrete([0.5, 0.3, 0.2]), distortions.hamming(3)
P = np.linspace(0.0, 0.1, 5)

with plotting.style():
    ax = plt.subplots()[1]
    for measure in (FourthPower(), perceptions.ChiSquared(), perceptions.TotalVariation()):
        curve = rdc.trace(rdc.Problem(source, hamming, measure), D=0.35, P=P, solver=solvers.Conic(), tol=1e-5)
        curve.plot(ax, label=type(measure).__name__, color=plotting.COLORS[len(ax.lines)])
        print(f"{type(measure).__name__}: widest bracket {(curve.upper - curve.lower).max():.1g} bit")
    ax.set_title("D = 0.35", loc="left")
