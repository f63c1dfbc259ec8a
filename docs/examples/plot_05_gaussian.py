"""
Realism of a Gaussian source
============================

The least distortion at a rate when the reproduction must be within W2² = P of the source, from closed forms behind
the usual verbs. Perfect realism at most doubles the distortion. :cite:`zhang2021universal`
"""

import matplotlib.pyplot as plt
import numpy as np

import rdcfunc as rdc
from rdcfunc import distortions, perceptions, plotting, sources

problem = rdc.Problem(sources.Gaussian(1.0), distortions.squared_error(), perceptions.Wasserstein())
P = np.linspace(0, 0.5, 41)

with plotting.style():
    ax = plt.subplots()[1]
    for R, color in zip((0.25, 0.5, 1.0, 2.0), plotting.COLORS, strict=False):
        curve = rdc.trace(problem, R=R, P=P)
        curve.plot(ax, label=f"R = {R:g}", color=color)
        print(f"R = {R:g}: perfect realism costs {curve.upper[0] / curve.lower[-1]:.3f} times the distortion")
    ax.set_xlabel("perception $P = W_2^2$")
