"""
The best decoder of an encoder that is there already
====================================================

A uniform quantiser of a Gaussian number, as a codec may have it. The question left is what to show for each of its
cells: the least distortion at every level of realism, against what the best encoder of the same rate could do.
"""

import matplotlib.pyplot as plt
import numpy as np

import rdcfunc as rdc
from rdcfunc import distortions, perceptions, plotting, sources

points = np.linspace(-2.5, 2.5, 21)
distance = np.subtract.outer(points, points) ** 2
source = sources.discretise(sources.Gaussian(1.0), points)
problem = rdc.Problem(source, distortions.squared_error(points), perceptions.Wasserstein(distance))

cell = np.digitize(points, [-1.0, 0.0, 1.0])
encoder = np.eye(4)[cell]
mass = source.pmf @ encoder
rate = float(-(mass * np.log2(mass)).sum())

P = np.linspace(0.0, 0.16, 5)
decoded = [rdc.decode(problem, encoder, P=level) for level in P]
best = rdc.trace(problem, R=rate, P=P, tol=1e-4)

with plotting.style():
    ax = plt.subplots()[1]
    lower, upper = ([getattr(each, end) for each in decoded] for end in ("lower", "upper"))
    ax.fill_between(P, lower, upper, alpha=0.3, lw=0)
    ax.plot(P, upper, label="this quantiser")
    best.plot(ax, label="best encoder", color=plotting.COLORS[1])
    ax.set(ylim=(0, None), xlabel="perception $P = W_2^2$", ylabel="distortion $D$")
    ax.set_title(f"4 cells, {rate:.3f} bits", loc="left")
    plotting.label_lines(ax)
