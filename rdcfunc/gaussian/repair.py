"""A reproduction on the axes brought within its levels, which it may miss by rounding or an unfinished solver."""

from __future__ import annotations

import numpy as np

from rdcfunc.gaussian.components import Axes
from rdcfunc.gaussian.question import Question
from rdcfunc.rounding import EPS

#: Tries, each of which goes further than the excess asks for.
_TRIES = 60


def repaired(question: Question, point: Axes) -> Axes | None:
    """Return a reproduction near this one that meets every level, or None if none is found."""
    K = question.D.size
    for _ in range(_TRIES):
        values, levels = point.values(question), question.levels
        over = values - levels
        if (over <= 0).all():
            return point
        theta, x = point.theta, point.x.copy()
        for k in np.flatnonzero(over[1 + K : 1 + 2 * K] > 0):
            # The cost is convex and zero at x = 0.
            x[k] *= max(0.0, 1 - 2 * over[1 + K + k] / values[1 + K + k] - EPS)
        if question.R < np.inf and over[0] > 0:
            theta = theta * max(0.0, 1 - 2 * over[0] / values[0] - EPS)
        elif question.goal == "P":
            # Distortion is least at the ratio that estimates best.
            spare = values[1] - float(question.variances @ point.e)
            part = min(1.0, 2 * over[1] / spare + EPS) if spare > 0 else 1.0
            x[0] += part * (-point.d - x[0])
        else:
            parts = np.maximum(over, 0.0) / np.maximum(values, 1e-300)
            rest = point.e * (1 - min(0.9, 2 * float(max(parts[1 : 1 + K].max(), parts[-1])) + EPS))
            live = theta > 0
            theta = np.where(live, np.arcsinh(np.sqrt((1 - rest) / rest)), theta)
        point = Axes(theta, x)
    return None
