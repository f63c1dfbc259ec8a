"""
An encoder made for another
===========================

Each row is an encoder made for one target, each column a target that its decoder is asked for: the extra distortion
over an encoder made for it. Reuse is not symmetric.
"""

import rdcfunc as rdc
from rdcfunc import Target, classifications, distortions, perceptions, plotting, sources

pmf, label = [0.4, 0.3, 0.2, 0.1], [[1.0, 0.0], [0.8, 0.2], [0.3, 0.7], [0.0, 1.0]]
problem = rdc.Problem(
    sources.Discrete(pmf),
    distortions.squared_error([0.0, 1.0, 2.0, 3.0]),
    perceptions.TotalVariation(),
    classifications.ConditionalEntropy(label, tagged=True),
)
targets = [Target(), Target(P=0.05), Target(P=0.0), Target(C=0.55)]
reuse = rdc.reuse_penalty(problem, targets, R=0.8)

with plotting.style():
    plotting.plot_reuse(reuse)
