"""The convex core on forbidden pairs, sizes of all kinds, a start nearby, and a perception that is idle."""

from dataclasses import replace
from decimal import Decimal, getcontext

import numpy as np
import pytest
from brackets import quietly
from divergences import F_DIVERGENCES
from hypothesis import assume, given
from hypothesis import strategies as st
from lines import gauss
from parts import most, random_square

import rdcfunc as rdc
from rdcfunc import distortions, solvers, sources

CORE = solvers.InteriorPoint()
TOL = 1e-9


def test_a_forbidden_pair_is_the_limit_of_dear_ones() -> None:
    d = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, np.inf], [1.0, 1.0, 0.0]])
    source = sources.Discrete([0.3, 0.4, 0.3])
    barred = rdc.rate(rdc.Problem(source, distortions.matrix(d)), D=0.35, tol=TOL)
    dear = rdc.rate(rdc.Problem(source, distortions.matrix(np.where(np.isinf(d), 1e9, d))), D=0.35, tol=TOL)
    assert barred.channel[1, 2] == 0
    assert barred.upper == pytest.approx(dear.upper, abs=1e-6)
    assert barred.lower >= dear.lower - TOL
    # Where the level is off, nothing is forbidden.
    assert rdc.rate(rdc.Problem(source, distortions.matrix(d))).value < 1e-12


def test_a_letter_without_an_allowed_pair_is_infeasible() -> None:
    problem = rdc.Problem(sources.uniform(2), distortions.matrix([[0.0, 1.0], [np.inf, np.inf]]))
    with pytest.raises(rdc.InfeasibleError, match=r"D is infinite: all pairs of source letter 1"):
        rdc.rate(problem, D=1.0)
    unused = replace(problem, source=sources.Discrete([1.0, 0.0]))
    assert rdc.rate(unused, D=0.0).value < 1e-12


@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_distortions_of_any_size_and_spread(unit: float) -> None:
    d = unit * np.array([[0.0, 1.0, 1e-12], [1.0, 0.0, 1.0], [1e-12, 1.0, 0.0]])
    problem = rdc.Problem(sources.Discrete([0.3, 0.3, 0.4]), distortions.matrix(d))
    merged = rdc.Problem(sources.Discrete([0.7, 0.3]), distortions.matrix(unit * (1 - np.eye(2))))
    answer = rdc.rate(problem, D=0.1 * unit, tol=TOL)
    assert answer.gap <= TOL
    assert answer.upper == pytest.approx(rdc.rate(merged, D=0.1 * unit).upper, abs=1e-6)


@given(p=st.floats(0.01, 0.5), share=st.floats(1e-6, 1 - 1e-6))
def test_the_lower_bound_is_below_the_truth_to_the_last_digit(p: float, share: float) -> None:
    """R(D) = h(p) - h(D) for a coin, with fifty digits; the pmf is what the floating-point numbers say."""
    getcontext().prec = 50
    problem = rdc.Problem(sources.bernoulli(p), distortions.hamming(2))
    low = float(problem.source.pmf.min())
    D = share * low
    assume(low > D)

    def h(x: Decimal) -> Decimal:
        return -(x * x.ln() + (1 - x) * (1 - x).ln()) / Decimal(2).ln()

    exact = h(Decimal(low)) - h(Decimal(D))
    answer = rdc.rate(problem, D=D, solver=CORE, tol=1e-10)
    assert Decimal(answer.lower) <= exact
    assert exact <= Decimal(answer.upper) + Decimal("1e-15")


@pytest.mark.parametrize("levels", [[0.30, 0.31], [0.30, 0.60], [0.60, 0.05]])
def test_a_neighbour_saves_steps_and_a_stranger_costs_none(levels: list[float]) -> None:
    problem = random_square(60)
    first, then = (share * most(problem) for share in levels)
    start = rdc.rate(problem, D=first, solver=CORE)
    cold = rdc.rate(problem, D=then, solver=CORE)
    warm = rdc.rate(problem, D=then, solver=CORE, start=start)
    assert warm.lower <= cold.upper
    assert cold.lower <= warm.upper
    if then < 1.1 * first and first < 1.1 * then:
        assert warm.steps < cold.steps
    else:
        assert warm.steps == cold.steps


@pytest.mark.parametrize("kind", F_DIVERGENCES)
def test_perception_that_costs_nothing_is_left_out(kind: str) -> None:
    problem = gauss(40, 4.0, kind)
    p, divergence = problem.source.pmf, problem.perception
    free = rdc.rate(gauss(40, 4.0), D=0.3, solver=CORE, tol=TOL)
    spent = divergence.value(p, free.output) / divergence.unit
    slack = rdc.rate(problem, D=0.3, P=1.01 * spent, solver=CORE, tol=TOL)
    assert slack.steps == free.steps
    assert slack.gap <= TOL
    assert slack.prices.perception == 0
    binding = quietly(rdc.rate, problem, D=0.3, P=0.9 * spent, solver=CORE, tol=TOL)
    # The answer without perception, which is over this level, takes no more steps and leaves a gap.
    assert binding.steps > free.steps or binding.gap <= TOL
    tight = rdc.rate(problem, D=0.3, P=0.0, solver=CORE, tol=1e-6)
    assert tight.prices.perception > 0
    assert tight.lower > free.upper
