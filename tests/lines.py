"""Sources on a line, and laws of all kinds."""

from math import fsum

import numpy as np
from divergences import F_DIVERGENCES
from hypothesis import strategies as st

import rdcfunc as rdc
from rdcfunc import distortions, perceptions, sources

TOL = 1e-9


def normal(weights: np.ndarray) -> sources.Discrete:
    return sources.Discrete(weights / weights.sum())


def gauss(n: int, width: float = 5.0, kind: str | None = None) -> rdc.Problem:
    """N(0, 1) on a uniform grid with squared error, and an f-divergence, W1 or W2 if one is named."""
    x = np.linspace(-width, width, n)
    away = np.abs(x[:, None] - x) if kind in ("W1", "W2") else None
    measure = F_DIVERGENCES.get(kind) if away is None else perceptions.Wasserstein(away ** int(kind[1]))
    return rdc.Problem(normal(np.exp(-0.5 * x**2)), distortions.squared_error(x), measure)


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
