"""
Grids converge to the Gaussian formula
======================================

A Gaussian number rounded to a grid of step h is a discrete source. Its certified rates approach the formula's like
h² / (24 D ln 2): what rounding adds to the variance. Solver and formula check each other.
"""

import matplotlib.pyplot as plt
import numpy as np

import rdcfunc as rdc
from rdcfunc import distortions, plotting, sources

normal, D = sources.Gaussian(1.0), 0.5
truth = rdc.rate(rdc.Problem(normal, distortions.squared_error()), D=D)
steps = np.array([0.8, 0.4, 0.2, 0.1, 0.05])
error = []
for h in steps:
    x = np.arange(-round(8 / h), round(8 / h) + 1) * h
    found = rdc.rate(rdc.Problem(sources.discretise(normal, x), distortions.squared_error(x)), D=D, tol=1e-9)
    error.append((found.lower - truth.upper, found.upper - truth.lower))

with plotting.style():
    ax = plt.subplots()[1]
    ax.loglog(steps, np.mean(error, axis=1), "o", label="grid")
    ax.loglog(steps, steps**2 / 24 / np.log(2), "--", label="$h^2 / (24 \\ln 2)$")
    ax.set(xlabel="step $h$, in deviations", ylabel="added to the rate (bits)", title="N(0, 1), $D = 0.5$")
    ax.set_xticks(steps, [f"{h:g}" for h in steps])
    ax.minorticks_off()
    ax.legend()
