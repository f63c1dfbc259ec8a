"""The bound over a range of levels is one: it is read as saved, and holds between its points."""

from pathlib import Path

import numpy as np
import pytest
import torch
from study import small_bound

import rdcfunc as rdc
from benchmarks import theory
from neural import Config, Dataset
from neural.data import Split


def test_a_bound_is_read_as_it_was_saved(tmp_path: Path) -> None:
    bound = small_bound()
    bound.save(tmp_path / "bound.npz")
    found = theory.read(tmp_path / "bound.npz")
    assert found.__dict__.keys() == bound.__dict__.keys()
    for name, value in bound.__dict__.items():
        assert type(getattr(found, name)) is type(value)
        np.testing.assert_array_equal(getattr(found, name), value)


def test_the_bound_holds_between_its_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve points of the plane in three classes and few letters, where an answer at any other C is cheap."""
    pixels, labels = np.random.default_rng(1).integers(0, 255, (12, 2)), np.arange(12) % 3
    points = Split(torch.tensor(pixels, dtype=torch.uint8), torch.tensor(labels), 255)
    monkeypatch.setattr(theory, "load", lambda config: Dataset(points, points, classes=3, shape=(1, 2)))
    monkeypatch.setattr(theory, "LEVELS", (np.inf, 0.3, 0.05))
    monkeypatch.setattr(theory, "_ROUNDS", 1)
    monkeypatch.setattr(theory, "_MOST_LETTERS", 8)
    config = Config(dimension=1, levels=4)
    bound = theory.bound(config, tol=5e-4)
    assert (bound.rate, bound.images, bound.letters.shape[1]) == (2.0, 12, 2)
    assert bound.C[0] > 0.5
    assert bound.C[1:].tolist() == [0.3, 0.05]
    assert (bound.lower_at(bound.C) >= bound.lower).all()
    assert (bound.upper_at(bound.C) <= bound.upper).all()
    assert bound.upper_at(np.array([0.04])) == np.inf
    grid = np.linspace(0.05, 1.6, 500)
    lower, upper = bound.lower_at(grid), bound.upper_at(grid)
    assert (lower <= upper).all()
    assert (np.diff(lower) <= 0).all()
    assert (np.diff(upper) <= 0).all()
    now = theory.problem(config, bound.letters)
    for C in (0.05, 0.15, 0.4, 1.5):
        fresh = rdc.distortion(now, 2.0, C=C, tol=1e-3)
        (low,), (high,) = bound.lower_at(np.array([C])), bound.upper_at(np.array([C]))
        assert low <= fresh.upper
        assert fresh.lower <= high
        assert high - low < 0.01
    # One bit cannot tell three classes: its levels begin where it can.
    scarce = theory.bound(Config(dimension=1, levels=2), tol=5e-3)
    assert scarce.C[1:] == pytest.approx(np.log2(3) - 1 + np.array([0.3, 0.05]))
    assert (scarce.lower <= scarce.upper).all()
    # The distortion is the mean squared error per pixel, and telling the classes costs some of it.
    free = rdc.distortion(now, 2.0, tol=1e-5)
    squares = ((points.images[:, None].double().numpy() - bound.letters) ** 2).mean(axis=2)
    reached = (free.channel * squares).sum() / 12
    assert bound.lower[0] - 1e-5 <= reached <= bound.upper[0] + 1e-5
    assert bound.lower[2] > bound.lower[1] > bound.upper[0]
