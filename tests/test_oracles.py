"""Every row of the table: honest, tight, feasible, and the same from every solver."""

import pytest
from brackets import assert_honest, assert_overlap, run, solved, truth
from measure import assert_meets
from problems import ROWS, Row

import rdcfunc as rdc
from rdcfunc import solvers

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
linear = pytest.mark.parametrize("row", [r for r in ROWS if r.linear], ids=lambda row: row.name)


@each_row
def test_honest(row: Row) -> None:
    assert_honest(solved(row), truth(row), row.accuracy)


@each_row
def test_tight(row: Row) -> None:
    solution, warned = run(row)
    assert solution.gap <= max(row.tol, row.width)
    assert warned == (solution.gap > row.tol) == (solution.status is not rdc.Status.CERTIFIED)


@each_row
def test_the_channel_meets_every_level_and_attains_the_value(row: Row) -> None:
    solution = solved(row)
    assert_meets(row.problem, solution, row.target)
    assert solution.value == solution.upper
    assert solution.upper - row.tol <= solution.rate <= solution.upper + 1e-12


@linear
def test_conic_and_blahut_arimoto_agree(row: Row) -> None:
    conic = solved(row, solvers.Conic())
    assert_honest(conic, truth(row), row.accuracy)
    assert_overlap(conic, solved(row, solvers.BlahutArimoto()))
    assert conic.gap <= row.tol


@pytest.mark.parametrize(("name", "truth"), [("C=0.36764", 0.2753), ("C=0.40205", 0.1470), ("C=0.43647", 0.0)])
def test_the_grid_over_channels_reproduces_the_published_counterexample(name: str, truth: float) -> None:
    row = next(r for r in ROWS if r.name == f"fixed alphabet, {name}")
    assert abs(row.truth() - truth) < 1e-4


def test_the_fixed_alphabet_is_not_convex() -> None:
    ends, middle = [r for r in ROWS if r.name.startswith("fixed alphabet") and r.target.C != 0.40205], 0.40205
    chord = sum(solved(r).upper for r in ends) / 2
    assert abs(sum(r.target.C for r in ends) / 2 - middle) < 1e-5
    assert truth(next(r for r in ROWS if r.name == "fixed alphabet, C=0.40205")) > chord + 5e-3
