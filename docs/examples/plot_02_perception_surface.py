"""
The surface R(D, P)
===================

What it costs that a reproduction also looks like the source: total variation at most P. Where the contours are
vertical the best code for the distortion alone looks right already.
"""

import numpy as np

import rdcfunc as rdc
from rdcfunc import distortions, perceptions, plotting, sources

pmf = [0.5, 0.3, 0.15, 0.05]
problem = rdc.Problem(sources.Discrete(pmf), distortions.hamming(4), perceptions.TotalVariation())
surface = rdc.trace(problem, D=np.linspace(0.02, 0.5, 9), P=np.linspace(0, 0.3, 5)[:, None])

with plotting.style():
    ax = plotting.plot_surface(surface)
    ax.set_title(f"p = {pmf}, Hamming distortion", loc="left")
print(f"widest bracket {(surface.upper - surface.lower).max():.2g} bit")
