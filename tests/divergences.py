"""The divergences, and laws and prices to hold them against."""

import numpy as np
import pytest
from hypothesis import strategies as st
from parts import abs_cost

from rdcfunc import perceptions
from rdcfunc.perceptions import Divergence, FDivergence

F_DIVERGENCES: dict[str, FDivergence] = {
    "TV": perceptions.TotalVariation(),
    "KL": perceptions.KL(),
    "reverse KL": perceptions.ReverseKL(),
    "JS": perceptions.JensenShannon(),
    "chi squared": perceptions.ChiSquared(),
    "Hellinger": perceptions.Hellinger(),
}
DIVERGENCES: dict[str, Divergence] = F_DIVERGENCES | {
    "W1": perceptions.Wasserstein(abs_cost(4)),
    "W2": perceptions.Wasserstein(abs_cost(4) ** 2),
    "W without a zero": perceptions.Wasserstein(1.0 + np.arange(16.0).reshape(4, 4) % 5),
}
each = pytest.mark.parametrize("div", DIVERGENCES.values(), ids=DIVERGENCES.keys())
each_f = pytest.mark.parametrize("div", F_DIVERGENCES.values(), ids=F_DIVERGENCES.keys())
seeds = st.integers(0, 2**32 - 1)
fares = st.floats(0, 1e3) | st.sampled_from([0.0, 5e-324, 1e-300, 1e-9, 1e9, 1e15])


def laws(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return g, p and two laws q, some letters of which are missing."""
    rng = np.random.default_rng(seed)
    p, q, r = rng.dirichlet(np.full(4, 0.7), 3)
    p[rng.integers(4)] *= rng.integers(2)
    q[rng.integers(4)] = 0.0
    return rng.normal(size=4) * 10.0 ** rng.integers(-3, 4), p / p.sum(), q / q.sum(), r


def generator(div: FDivergence, ratios: np.ndarray) -> np.ndarray:
    """Return f, as the divergence of a mass from the mass one."""
    return np.array([div.value(np.ones(1), np.array([u])) for u in ratios])
