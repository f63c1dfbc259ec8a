"""
R(D, C) is not convex on a fixed alphabet
=========================================

The middle of the curve lies above the chord between its ends, and as each answer is a bracket this is a proof: the
lower bound in the middle exceeds the mean of the upper bounds at the ends. See :doc:`/convexity`.
"""

import matplotlib.pyplot as plt
import numpy as np

import rdcfunc as rdc
from rdcfunc import classifications, distortions, plotting, sources

labels = classifications.ConditionalEntropy([[1.0, 0.0], [0.7, 0.3]])
problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), classification=labels)
C = np.linspace(0.36764, 0.43647, 5)
curve = rdc.trace(problem, D=0.3, C=C, tol=1e-3)

with plotting.style():
    ax = plt.subplots()[1]
    curve.plot(ax, label="$R(0.3, C)$")
    ends = curve.upper[[0, -1]]
    ax.plot(C[[0, -1]], ends, "--", color=plotting.COLORS[1], label="chord")
    ax.set_title("a coin, P(1) = 0.3, whose heads leave the label in doubt", loc="left")
    plotting.label_lines(ax)
middle = len(C) // 2
print(f"lower bound in the middle {curve.lower[middle]:.4f} > {ends.mean():.4f}, the chord there")
