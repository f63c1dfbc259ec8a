"""
Three meanings of "classification at most C"
============================================

The classifier may see the letter and a tag, the letter alone, or be fixed in advance. Each costs more rate than the
one before, and only the middle one is not convex.
"""

import matplotlib.pyplot as plt
import numpy as np

import rdcfunc as rdc
from rdcfunc import classifications, distortions, plotting, sources

labels = np.array([[1.0, 0.0], [0.7, 0.3]])
source, C = sources.bernoulli(0.3), np.linspace(0.36764, 0.43647, 5)


def trace(measure):
    return rdc.trace(rdc.Problem(source, distortions.hamming(2), classification=measure), D=0.3, C=C, tol=1e-3)


alone = trace(classifications.ConditionalEntropy(labels))
channel = alone.solutions[2].channel
joint = (source.pmf[:, None] * channel).T @ labels
judge = joint / joint.sum(axis=1, keepdims=True)

with plotting.style():
    ax = plt.subplots()[1]
    trace(classifications.CrossEntropy(labels, judge)).plot(ax, label="fixed classifier", color=plotting.COLORS[1])
    alone.plot(ax, label="letter alone", color=plotting.COLORS[0])
    tagged = trace(classifications.ConditionalEntropy(labels, tagged=True))
    tagged.plot(ax, label="letter and tag", color=plotting.COLORS[2])
    ax.axvline(C[2], color="0.8", lw=0.8, zorder=0)
    ax.text(C[2], 0.01, " the classifier is the\n Bayes classifier here", size="small")
