"""
Water-filling, and what realism does to it
==========================================

Where the rate goes among the components of a Gaussian vector. For distortion alone the small ones are dropped under
water; as soon as the reproduction must look right every component gets some, however small its variance.
"""

import matplotlib.pyplot as plt
import numpy as np

import rdcfunc as rdc
from rdcfunc import distortions, perceptions, plotting, sources

variances = 1.0 / np.arange(1, 13) ** 1.5
problem = rdc.Problem(sources.Gaussian(np.diag(variances)), distortions.squared_error(), perceptions.Wasserstein())
total = variances.sum()

with plotting.style():
    ax = plt.subplots()[1]
    place = np.arange(1, 13)
    for k, (P, name) in enumerate(((np.inf, "distortion alone"), (0.02 * total, "$W_2^2$ ≤ 2 % of the variance"))):
        sent = rdc.rate(problem, D=0.4 * total, P=P).sent
        kept = 1 - np.diag(sent.error) / variances
        rate = -np.log2(np.maximum(1 - kept, 1e-12)) / 2
        ax.bar(place + 0.4 * k - 0.2, rate, 0.4, color=plotting.COLORS[k], label=f"{name}: {rate.sum():.2f} bits")
    ax.set(xlabel="component, by falling variance", ylabel="bits", xticks=place, title="D = 40 % of the variance")
    ax.legend()
