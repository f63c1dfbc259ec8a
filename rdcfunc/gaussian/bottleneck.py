r"""A label of several numbers alone: the information bottleneck of Gaussian vectors, by water-filling.

On axes on which both :math:`A A^T = \operatorname{diag}(m)` and :math:`W = \operatorname{diag}(1 - m)`, what is left of
each is :math:`\min(1, y (1 - m) / m)`.

References
----------
Chechik, Globerson, Tishby and Weiss, "Information bottleneck for Gaussian variables", JMLR 6, 2005.
"""

from __future__ import annotations

from math import inf

import numpy as np
import scipy

from rdcfunc.gaussian.several import Several
from rdcfunc.information import Array

#: The least share of signal or noise, and between which logarithms y is sought.
_LEAST, _LOW, _HIGH = 1e-14, -300.0, 60.0


def bottleneck(label: Several, level: float, R: float) -> Array:
    """Return what is left at a rate in nats, or if that is inf at a level of the label's entropy."""
    A = label.told
    noise, turn = scipy.linalg.eigh(label.noise, A @ A.T + label.noise)
    noise = np.clip(noise, _LEAST, 1 - _LEAST)
    volume = float(np.linalg.slogdet(turn)[1])

    def parts(u: float) -> Array:
        return np.asarray(np.minimum(1.0, np.exp(u) * noise / (1 - noise)))

    def over(u: float) -> float:
        if inf > R:
            return R + float(np.log(parts(u)).sum()) / 2
        return float(np.log((1 - noise) * parts(u) + noise).sum()) / 2 - volume - level

    u = _LOW if over(_LOW) > 0 else _HIGH if over(_HIGH) < 0 else scipy.optimize.brentq(over, _LOW, _HIGH)
    axes = np.linalg.svd(A.T @ turn / np.sqrt(1 - noise), full_matrices=False)
    axes = axes[0] @ axes[2]
    return np.eye(A.shape[1]) - (axes * (1 - parts(u))) @ axes.T
