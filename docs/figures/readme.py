"""The figure of the README: ``python docs/figures/readme.py`` writes ``docs/figures/readme.svg``."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, plotting, sources

mpl.use("agg")
coin = sources.bernoulli(0.3)
labels = [[1.0, 0.0], [0.7, 0.3]]
D, C = np.linspace(0.0, 0.3, 31), np.linspace(0.36764, 0.43647, 9)


def problem(perception=None, classification=None):
    return rdc.Problem(coin, distortions.hamming(2), perception, classification)


with plotting.style("page"):
    mpl.rcParams["svg.hashsalt"] = "rdcfunc"
    left, right = plt.subplots(1, 2, figsize=(7.2, 2.9))[1]
    rdc.trace(problem(perceptions.TotalVariation()), D=D, P=[[0.0], [0.05], [np.inf]]).plot(left)
    left.set_title("looks right: total variation at most P", loc="left")
    for tagged, name, hue in ((False, "letter alone", 0), (True, "letter and tag", 2)):
        measure = classifications.ConditionalEntropy(labels, tagged=tagged)
        curve = rdc.trace(problem(classification=measure), D=0.3, C=C, tol=1e-3)
        curve.plot(right, label=name, color=plotting.COLORS[hue])
    right.set_title("still tells the class: H(S|X̂) at most C, D = 0.3", loc="left")
    plotting.save(left, Path(__file__).with_suffix(".svg"))
