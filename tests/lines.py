"""Sources on a line, and laws of all kinds."""

from math import fsum

import numpy as np
from hypothesis import strategies as st

import rdcfunc as rdc
from rdcfunc import distortions, sources

TOL = 1e-9


def normal(weights: np.ndarray) -> sources.Discrete:
    return sources.Discrete(weights / weights.sum())


def gauss(n: int, width: float = 5.0) -> rdc.Problem:
    x = np.linspace(-width, width, n)
    return rdc.Problem(normal(np.exp(-0.5 * x**2)), distortions.squared_error(x))


@st.composite
def pmfs(draw: st.DrawFn) -> np.ndarray:
    """Laws with ties, gaps, zeros and masses of any size."""
    mass = (
        st.sampled_from([0.0, 1.0, 1.0, 2.0, 1e-3, 1e-12])
        | st.floats(1e-9, 1.0)
        | st.floats(-290, 0).map(lambda e: 10.0**e)
    )
    weights = np.array(draw(st.lists(mass, min_size=1, max_size=12)))
    weights[draw(st.integers(0, weights.size - 1))] += 1.0
    return weights / fsum(weights)
