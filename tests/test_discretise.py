"""Gaussian sources on grids: solvers of discrete sources against the formulas."""

from math import erf, log, sqrt
from pathlib import Path

import numpy as np
import pytest

import rdcfunc as rdc
from benchmarks import gaussian
from benchmarks.speed import vectors
from rdcfunc import classifications, distortions, perceptions, sources

NORMAL = sources.Gaussian(1.0)


def on_a_grid(step: float, reach: float = 8.0) -> np.ndarray:
    return np.arange(-round(reach / step), round(reach / step) + 1) * step


def test_cells_have_their_masses() -> None:
    x = np.array([-30.0, -1.0, 0.5, 2.0, 9.0])
    law = sources.discretise(sources.Gaussian(4.0), x)

    def below(t: float) -> float:
        return (1 + erf(t / sqrt(8))) / 2

    ends = [below(t) for t in (-15.5, -0.25, 1.25, 5.5)]
    np.testing.assert_allclose(law.pmf, np.diff([0, *ends, 1]), atol=1e-15)
    assert law.pmf[0] > 0


@pytest.mark.parametrize("D", [0.3, 0.7])
def test_rate_on_a_grid_tends_to_the_formula_at_the_second_order(D: float) -> None:
    truth = rdc.rate(rdc.Problem(NORMAL, distortions.squared_error()), D=D)
    errors = []
    for step in (0.4, 0.2, 0.1):
        x = on_a_grid(step)
        problem = rdc.Problem(sources.discretise(NORMAL, x), distortions.squared_error(x))
        errors.append(rdc.rate(problem, D=D, tol=1e-8).value - truth.value)
    # A cell adds h²/12 to the variance, half of that in nats.
    np.testing.assert_allclose(errors[-1], 0.1**2 / 24 / log(2), rtol=0.02)
    np.testing.assert_allclose(np.log2(np.array(errors[:-1]) / errors[1:]), 2.0, atol=0.05)


@pytest.mark.parametrize("perception", [perceptions.Wasserstein(), perceptions.KL()], ids=lambda p: type(p).__name__)
def test_rate_with_perception_on_a_grid_tends_to_the_formula(perception: perceptions.Divergence) -> None:
    D, P = 0.5, 0.02
    truth = rdc.rate(rdc.Problem(NORMAL, distortions.squared_error(), perception), D=D, P=P).value
    errors = []
    for step in (0.5, 0.25):
        x = on_a_grid(step, 5.0)
        measure = (
            perception if isinstance(perception, perceptions.KL) else perceptions.Wasserstein((x[:, None] - x) ** 2)
        )
        problem = rdc.Problem(sources.discretise(NORMAL, x), distortions.squared_error(x), measure)
        errors.append(abs(rdc.rate(problem, D=D, P=P, tol=1e-7).value - truth))
    assert errors[1] < 0.4 * errors[0]
    assert errors[1] < 0.02


def test_vectors_on_a_grid() -> None:
    S = np.array([[1.0, 0.3], [0.3, 0.5]])
    axis = on_a_grid(0.5, 3.0)
    x = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    source = sources.discretise(sources.Gaussian(S), x)
    np.testing.assert_allclose((x * source.pmf[:, None]).T @ x, S, atol=0.02)
    truth = rdc.rate(rdc.Problem(sources.Gaussian(S), distortions.squared_error()), D=0.6).value
    found = rdc.rate(rdc.Problem(source, distortions.squared_error(x)), D=0.6, tol=1e-4)
    assert found.value == pytest.approx(truth, abs=0.02)


def test_mixtures_carry_their_classes() -> None:
    x = on_a_grid(0.25, 6.0)
    source, labels = sources.mixture([0.3, 0.7], [-1.5, 1.0], [sources.Gaussian(1.0), sources.Gaussian(0.5)], x)
    np.testing.assert_allclose(source.pmf @ labels, [0.3, 0.7], atol=1e-12)
    assert source.pmf @ x == pytest.approx(0.3 * -1.5 + 0.7, abs=1e-3)
    problem = rdc.Problem(
        source, distortions.squared_error(x), None, classifications.ConditionalEntropy(labels, tagged=True)
    )
    free = rdc.rate(problem, D=0.8, tol=1e-4)
    bound = rdc.rate(problem, D=0.8, C=free.achieved.C - 0.1, tol=1e-2)
    assert bound.lower > free.upper
    # One component is the plain source, and in two dimensions too.
    one, _ = sources.mixture([1.0], [0.0], [NORMAL], x)
    np.testing.assert_allclose(one.pmf, sources.discretise(NORMAL, x).pmf, atol=1e-15)
    plane = np.stack(np.meshgrid(x[::6], x[::6]), axis=-1).reshape(-1, 2)
    law, told = sources.mixture([0.5, 0.5], [[-1, 0], [1, 0]], [sources.Gaussian(np.eye(2))] * 2, plane)
    np.testing.assert_allclose(told[:, 1], 1 / (1 + np.exp(-2 * plane[:, 0])), atol=1e-12)
    assert law.pmf.sum() == pytest.approx(1.0)


WRONG = {
    "falls": (lambda: sources.discretise(NORMAL, [1.0, 0.0]), "points must rise"),
    "one": (lambda: sources.discretise(NORMAL, [1.0]), "points must rise"),
    "shape": (lambda: sources.discretise(sources.Gaussian(np.eye(2)), [[1.0]]), r"shape \(m, 2\) .*\(got \(1, 1\)\)"),
    "singular": (lambda: sources.discretise(sources.Gaussian(0.0), [0.0, 1.0]), "covariance must have full rank"),
    "classes": (lambda: sources.mixture([1.0], [0.0, 1.0], [NORMAL], [0.0, 1.0]), r"\(got 1, 2, 1\)"),
    "means": (
        lambda: sources.mixture([1.0], [[0.0]], [sources.Gaussian(np.eye(2))], [[0.0, 1.0]]),
        r"means must have shape \(K, 2\)",
    ),
    "far": (lambda: sources.mixture([1.0], [0.0], [NORMAL], [0.0, 1.0, 1e3, 1e4]), "leave out points far away"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case: str) -> None:
    call, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        call()


def test_figure_is_written(tmp_path: Path) -> None:
    assert gaussian.main(["--out", str(tmp_path), "--steps", "1", "0.5"]) == 0
    assert (tmp_path / "grid.png").stat().st_size > 10_000


def test_vectors_are_timed_beside_cones(capsys: pytest.CaptureFixture[str]) -> None:
    assert vectors.main(["--sizes", "3", "--repeats", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    for line in lines[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert float(cells[3]) < 1e-11
        assert float(cells[5]) < 1e-5
