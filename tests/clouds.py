"""Samples drawn at random, and a few on a line with labels."""

from functools import cache

import numpy as np

import rdcfunc as rdc
from rdcfunc import classifications, distortions, sources

SQUARED = distortions.squared_error()
LINE = np.array([-2.0, -1.4, -1.1, -0.3, 0.0, 0.2, 0.9, 1.3, 2.1])
LINE_LABELS = np.array([0, 0, 1, 0, 1, 1, 0, 1, 1])


def normal(n: int, k: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, k))


@cache
def labelled() -> rdc.Problem:
    measure = classifications.ConditionalEntropy(LINE_LABELS, tagged=True)
    return rdc.Problem(sources.Samples(LINE), SQUARED, classification=measure)
