r"""How far from N(0, 1) any law of a smaller second moment must be, Gaussian or not.

Each bound holds for every positive parameter, by weak duality. For :math:`E_q x^2 \le \tau^2` and p = N(0, 1):

- Hellinger, by Cauchy and Schwarz: :math:`\int \sqrt{p q} \le \sqrt{(1 + \mu \tau^2)\, E_p (1 + \mu x^2)^{-1}}`;
- KL of p from q, by Jensen: :math:`E_p \log(p / q) \ge E_p \log(1 + \mu x^2) - \log(1 + \mu \tau^2)`;
- Jensen-Shannon, by its variational form: :math:`\log 2 + \tfrac12 E_p \log(1 - e^{-\alpha - \beta x^2})
  - \tfrac12 (\alpha + \beta \tau^2)`.
"""

from __future__ import annotations

from math import expm1, log, sqrt

import numpy as np
import scipy
from scipy.special import erfcx

from rdcfunc.gaussian.deviations import Deviation, Mean, Reverse, Squared
from rdcfunc.information import Array

#: A trapezoidal rule for E_p of smooth even functions, exact to rounding, and what it may be off by.
_STEP, _REACH, _OFF = 1 / 64, 9.0, 1e-12
_X = np.arange(0.5, _REACH / _STEP) * _STEP
_P = np.exp(-_X * _X / 2) * sqrt(2 / np.pi) * _STEP


def divergence(deviation: Deviation, tau: float) -> float:
    """Return a lower bound on the divergence, in nats, of laws whose second moment is at most ``tau²``."""
    return max(0.0, _best(deviation, tau)) if tau < 1 else 0.0


def least(deviation: Deviation, level: float) -> float:
    """Return an x such that all laws within the level have a second moment of at least ``(1 + x)²``."""
    floor = divergence(deviation, 0.0)
    if level >= floor:
        return -1.0
    if level == 0:
        return 0.0
    u = float(scipy.optimize.brentq(lambda u: divergence(deviation, -expm1(-u)) - level, 1e-12, 40.0, xtol=1e-13))
    while divergence(deviation, -expm1(-u)) < level:
        u *= 1 - 1e-10
    return -float(np.exp(-u))


def _best(deviation: Deviation, tau: float) -> float:
    rows = {Squared: _hellinger, Reverse: _reverse, Mean: _shannon}
    bound = rows[type(deviation)]
    at = [0.0, 0.0] if isinstance(deviation, Mean) else [0.0]
    found = scipy.optimize.minimize(
        lambda y: -bound(y, tau), at, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-15}
    )
    return float(bound(found.x, tau)) - _OFF


def _hellinger(y: Array, tau: float) -> float:
    mu = float(np.exp(np.clip(y[0], -60, 60)))
    inverse = sqrt(np.pi / (2 * mu)) * float(erfcx(1 / sqrt(2 * mu)))
    return 1 - sqrt((1 + mu * tau**2) * inverse)


def _reverse(y: Array, tau: float) -> float:
    mu = float(np.exp(np.clip(y[0], -60, 3)))
    return float(_P @ np.log1p(mu * _X**2)) - log(1 + mu * tau**2)


def _shannon(y: Array, tau: float) -> float:
    alpha, beta = np.exp(np.clip(y, -3.0, 5.0))
    return log(2.0) + float(_P @ np.log(-np.expm1(-alpha - beta * _X**2))) / 2 - float(alpha + beta * tau**2) / 2
