"""
What one encoder for two decoders costs
=======================================

One decoder wants the least distortion, the other perfect realism, both at R bits alone. The penalty is what their
common encoder takes beyond R. A fair coin pays nothing at all: its best channel shows the source's own law.
"""

import matplotlib.pyplot as plt
import numpy as np

import rdcfunc as rdc
from rdcfunc import Target, distortions, perceptions, plotting, sources

R = np.linspace(0.05, 0.6, 6)

with plotting.style():
    ax = plt.subplots()[1]
    for p, color in zip((0.5, 0.4, 0.2), plotting.COLORS, strict=False):
        problem = rdc.Problem(sources.bernoulli(p), distortions.hamming(2), perceptions.TotalVariation())
        alone, real = rdc.trace(problem, R=R, P=[[np.inf], [0.0]], tol=1e-7).upper
        found = [rdc.rate_penalty(problem, [Target(D=d), Target(D=r, P=0.0)]) for d, r in zip(alone, real, strict=True)]
        lower, upper = ([getattr(each, end) for each in found] for end in ("lower", "upper"))
        ax.fill_between(R, lower, upper, color=color, alpha=0.3, lw=0)
        ax.plot(R, upper, color=color, label=f"P(1) = {p:g}")
    ax.set(xlabel="rate $R$ of each target alone (bits)", ylabel="penalty $A$ (bits)")
    plotting.label_lines(ax)
