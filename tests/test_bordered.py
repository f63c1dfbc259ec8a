"""The bordered equations of Newton's steps against one dense solution of all of them."""

from __future__ import annotations

import numpy as np
import pytest

from rdcfunc.solvers.interior.bordered import Border, Bordered


@pytest.mark.parametrize("solid", [[], [0, 1], [0, 1, 2, 3]], ids=["none", "some", "all"])
@pytest.mark.parametrize("columns", [[0, 1, 2, 3], [5, 0, 3, 1]], ids=["in order", "shuffled"])
def test_elimination_solves_the_whole_system(solid: list[int], columns: list[int]) -> None:
    rng = np.random.default_rng(0)
    k, lone, broad = 6, np.array([0, 1, 2, 4]), np.array([3, 5])
    half = rng.normal(size=(k, 9))
    M = half @ half.T
    tie, at = rng.random(4) + 0.5, np.array(columns)
    wide = rng.normal(size=(k, 2))
    B = np.zeros((k, 6))
    B[:, broad], B[at, lone] = wide, tie
    P = np.zeros((6, 6))
    P[lone, lone] = 0.7
    P[broad, broad] = 2.0
    cross = 0.1 * rng.normal(size=(4, 2))
    P[np.ix_(lone, broad)], P[np.ix_(broad, lone)] = cross, cross.T
    a, b = rng.normal(size=k), rng.normal(size=6)
    mask = np.isin(np.arange(4), solid)
    x, y = Bordered(M.copy(), P, Border(wide, broad, tie, at, lone), mask).solve(a, b)
    whole = np.block([[M, B], [-B.T, P]])
    assert np.allclose(np.concatenate([x, y]), np.linalg.solve(whole, np.concatenate([a, b])), rtol=1e-10)
