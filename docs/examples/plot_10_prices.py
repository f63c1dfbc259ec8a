"""
Prices, and where letters die
=============================

Every answer carries its prices, the slopes of the curve. As the distortion grows, letters fall out of use one by
one; the price bends there, and the curve has no kink all the same.
"""

import matplotlib.pyplot as plt
import numpy as np

import rdcfunc as rdc
from rdcfunc import distortions, plotting, sources

pmf = [0.45, 0.27, 0.16, 0.08, 0.04]
problem = rdc.Problem(sources.Discrete(pmf), distortions.hamming(5))
curve = rdc.trace(problem, D=np.linspace(0.01, 0.54, 107))
used = [(solution.output > 1e-9).sum() for solution in curve.solutions]

with plotting.style():
    top, bottom = plt.subplots(2, 1, sharex=True, height_ratios=(3, 2))[1]
    top.semilogy(curve.D, curve.slopes.distortion)
    bottom.step(curve.D, used, where="mid", color=plotting.COLORS[1])
    for at in curve.D[1:][np.diff(used) != 0]:
        top.axvline(at, color="0.8", lw=0.8, zorder=0)
    top.set(ylabel="price $-R'(D)$ (bits)", title=f"p = {pmf}, Hamming distortion")
    bottom.set(xlabel="distortion $D$", ylabel="letters in use", yticks=range(1, 6))
