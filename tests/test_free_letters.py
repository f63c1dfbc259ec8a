"""What a letter anywhere can earn is bounded, and nearly earned."""

import numpy as np
import pytest
from brackets import quietly
from clouds import SQUARED, normal

import rdcfunc as rdc
from rdcfunc import sources
from rdcfunc.columns import points as free_points
from rdcfunc.columns.points import Earner, supremum


def brute(x: np.ndarray, v: np.ndarray, s: float, t: float, labels: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``log sup_b f`` by the definition, for two classes, over a grid of b."""
    b = np.linspace(0, 1, 2001)
    sums = [np.exp(-s * ((x[labels == c][:, None] - y) ** 2).sum(-1)).T @ v[labels == c] for c in (0, 1)]
    return np.log((np.outer(sums[0], b**t) + np.outer(sums[1], (1 - b) ** t)).max(axis=1))


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("t", [0.0, 0.6, 1.0])
def test_supremum_bounds_every_letter_and_is_nearly_attained(k: int, t: float) -> None:
    random = np.random.default_rng(k)
    x, v, labels = normal(25, k), random.exponential(size=25), random.integers(2, size=25)
    bound, met = supremum(Earner(x, np.log(v), 1.3, t, labels), 1e-6)
    y = np.concatenate([x, met, random.uniform(-3, 3, (2000, k))])
    values = brute(x, v, 1.3, t, labels, y)
    assert values.max() <= bound
    assert bound <= values.max() + 1e-5


def test_corners_alone_are_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the curvature that its bound adds, a search that ends early is below what a letter earns."""
    earner = Earner(np.array([[0.0], [0.5], [1.0]]), np.zeros(3), 4.0)
    monkeypatch.setattr(free_points, "_WORK", 10)  # two corners, then no more
    bound, _ = supremum(earner, 1e-9)
    inside = earner.log_earned(np.array([[0.5]]))[0]
    corners = earner.log_earned(np.array([[0.0], [1.0]])).max()
    assert corners < inside <= bound


def test_random_prices_never_beat_the_upper_bound() -> None:
    """Weak duality on the plane, by the definition, for random prices and weights."""
    random = np.random.default_rng(5)
    x = normal(30, 2)
    upper = quietly(rdc.rate, rdc.Problem(sources.Samples(x), SQUARED), D=0.7).upper
    for _ in range(20):
        s = float(random.exponential(2.0))
        log_a = random.normal(size=30)
        bound, _ = supremum(Earner(x, log_a - np.log(30), s), 1e-3)
        assert log_a.mean() - bound - s * 0.7 <= upper * np.log(2)
