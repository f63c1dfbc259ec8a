"""
A bracket around R(D)
=====================

A solver proposes; one certificate turns whatever it proposes into bounds. The same curve three times: after five
sweeps of Blahut and Arimoto's algorithm :cite:`blahut1972`, after fifty, and by the interior point. A poor solver gives
a wide band and no wrong answer: every band contains the black line.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

import rdcfunc as rdc
from rdcfunc import distortions, plotting, solvers, sources

points = np.linspace(-3, 3, 41)
source = sources.discretise(sources.Gaussian(1.0), points)
problem = rdc.Problem(source, distortions.squared_error(points))
D = np.linspace(0.4, 0.95, 12)

with plotting.style():
    ax = plt.subplots()[1]
    for solver, name, color in (
        (solvers.BlahutArimoto(sweeps=5), "5 sweeps", plotting.COLORS[1]),
        (solvers.BlahutArimoto(sweeps=50), "50 sweeps", plotting.COLORS[0]),
        (solvers.InteriorPoint(), "interior point", "black"),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rdc.WideBracketWarning)
            curve = rdc.trace(problem, D=D, solver=solver)
        ax.fill_between(curve.D, curve.lower, curve.upper, color=color, alpha=0.3, lw=0)
        ax.plot(curve.D, curve.upper, color=color, label=name)
        print(f"{name:>15}: widest bracket {(curve.upper - curve.lower).max():.2g} bit")
    ax.set(xlabel="distortion $D$", ylabel="rate $R$ (bits)", title="N(0, 1) on 41 points, squared error")
    plotting.label_lines(ax)
