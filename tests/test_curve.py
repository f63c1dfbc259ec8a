"""Curves: a grid of certified answers."""

from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text
from oracles import binary_rdp, h
from problems import COIN, nonconvex_problem

import rdcfunc as rdc
from rdcfunc import classifications, distortions, solvers, sources
from rdcfunc.plotting import label_lines, plot_surface, save, style

OFFSET = rdc.Problem(sources.bernoulli(0.3), distortions.matrix([[0.2, 1.0], [1.0, 0.2]]))
GRID = np.array([0.02, 0.1, 0.2, 0.35])
LEVELS = [[0.0], [0.05], [0.3]]


@pytest.fixture(scope="module")
def surface() -> rdc.Curve:
    return rdc.trace(COIN, D=GRID, P=LEVELS)


def test_a_surface_is_the_grid_of_its_answers(surface: rdc.Curve) -> None:
    for name in ("lower", "upper", "value", "D", "P", "C", "R", "solutions"):
        assert getattr(surface, name).shape == (3, 4)
    for (i, j), solution in np.ndenumerate(surface.solutions):
        truth = binary_rdp(0.3, GRID[j], LEVELS[i][0])
        assert surface.lower[i, j] - 1e-12 <= truth <= surface.upper[i, j] + 1e-12
        assert (surface.D[i, j], surface.P[i, j], surface.C[i, j]) == (GRID[j], LEVELS[i][0], np.inf)
        assert (solution.lower, solution.upper) == (surface.lower[i, j], surface.upper[i, j])
    np.testing.assert_array_equal(surface.R, surface.value)
    assert (surface.upper - surface.lower).max() <= 1e-6


def test_a_warm_start_does_not_change_the_answer() -> None:
    warm = rdc.trace(COIN, D=GRID)
    cold = [rdc.rate(COIN, level) for level in GRID]
    np.testing.assert_allclose(warm.value, [s.value for s in cold], rtol=0, atol=1e-6)
    assert (warm.lower <= [s.upper + 1e-12 for s in cold]).all()


def test_rates_trace_distortions() -> None:
    curve = rdc.trace(COIN, R=[0.2, 0.5, 2.0])
    assert curve.quantity == "D"
    np.testing.assert_allclose([h(0.3) - h(x) for x in curve.value[:2]], [0.2, 0.5], atol=1e-5)
    assert curve.value[2] <= 1e-6
    np.testing.assert_array_equal(curve.D, curve.value)
    np.testing.assert_array_equal(curve.R, [0.2, 0.5, 2.0])


def test_one_point_is_a_scalar() -> None:
    curve = rdc.trace(COIN, D=0.1)
    assert curve.value.shape == ()
    assert float(curve.value) == pytest.approx(h(0.3) - h(0.1), abs=1e-6)


def test_levels_out_of_reach_are_inf_and_do_not_stop_the_walk() -> None:
    curve = rdc.trace(OFFSET, D=[0.25, 0.1, 0.3, 0.19])
    np.testing.assert_array_equal(np.isinf(curve.value), [False, True, False, True])
    np.testing.assert_array_equal(np.isinf(curve.lower), np.isinf(curve.value))
    assert [s is None for s in curve.solutions] == [False, True, False, True]
    assert list(curve.to_frame()["status"]) == ["CERTIFIED", "INFEASIBLE"] * 2


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_an_executor_gives_the_same_answer(pool: type[Executor], surface: rdc.Curve) -> None:
    with pool(2) as executor:
        found = rdc.trace(COIN, D=GRID, P=LEVELS, executor=executor)
    np.testing.assert_allclose(found.value, surface.value, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.D, surface.D)


def test_long_rows_are_cut_into_runs_for_an_executor() -> None:
    D = np.linspace(0.01, 0.29, 35)
    with ThreadPoolExecutor(2) as executor:
        found = rdc.trace(COIN, D=D, executor=executor)
    np.testing.assert_allclose(found.value, [h(0.3) - h(level) for level in D], rtol=0, atol=1e-6)


def test_wide_points_are_counted_once() -> None:
    few = rdc.solvers.BranchAndBound(nodes=1)
    with pytest.warns(rdc.WideBracketWarning, match=r"1 of 2 brackets are wider than tol = 0\.001") as caught:
        curve = rdc.trace(nonconvex_problem(False), D=0.3, C=[0.40205, 0.43647], solver=few, tol=1e-3)
    assert len(caught) == 1
    assert curve.solutions[0].status is rdc.Status.NONCONVEX


def test_frame_has_a_row_for_each_point(surface: rdc.Curve) -> None:
    frame = surface.to_frame()
    slopes = ["slope_distortion", "slope_perception", "slope_classification"]
    assert list(frame.columns) == ["D", "P", "C", "R", "lower", "upper", "value", *slopes, "rate", "status"]
    np.testing.assert_array_equal(frame["value"], surface.value.ravel())
    np.testing.assert_array_equal(frame["P"], surface.P.ravel())
    assert set(frame["status"]) == {"CERTIFIED"}


def test_progress_counts_points(capsys: pytest.CaptureFixture[str]) -> None:
    rdc.trace(COIN, D=GRID, progress=True)
    assert "4/4" in capsys.readouterr().err
    with ThreadPoolExecutor(1) as pool:
        rdc.trace(COIN, D=GRID, progress=True, executor=pool)
    assert "4/4" in capsys.readouterr().err


def test_plot_draws_the_band(surface: rdc.Curve) -> None:
    ax = surface.plot()
    assert len(ax.lines) == len(ax.collections) == 3
    assert [t.get_text() for t in ax.texts] == ["P = 0.3", "P = 0.05", "P = 0"]
    for row, (line, band) in enumerate(zip(ax.lines, ax.collections, strict=True)):
        np.testing.assert_array_equal(line.get_xdata(), GRID)
        np.testing.assert_array_equal(line.get_ydata(), surface.upper[row])
        edges = band.get_paths()[0].vertices[:, 1]
        assert edges.min() == pytest.approx(surface.lower[row].min(), abs=1e-12)
        assert edges.max() == pytest.approx(surface.upper[row].max(), abs=1e-12)
    plt.close(ax.figure)


def test_plot_draws_on_the_axes_it_is_given() -> None:
    figure, ax = plt.subplots()
    curve = rdc.trace(OFFSET, D=[0.1, 0.25, 0.3])
    assert curve.plot(ax, label="offset", color="#123456") is ax
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [0.25, 0.3])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("distortion $D$", "rate $R$ (bits)")
    assert (ax.lines[0].get_label(), ax.lines[0].get_color()) == ("offset", "#123456")
    assert curve.plot(ax).lines[1].get_color() not in (curve.plot(ax).lines[2].get_color(), "#123456")
    plt.close(figure)


@pytest.mark.parametrize(
    ("shape", "levels", "message"),
    [((1, 2, 2), {}, "let one or two levels vary"), ((2,), {"D": [0.1, 0.1]}, "no level varies")],
)
def test_what_cannot_be_drawn_is_refused(shape: tuple[int, ...], levels: dict[str, list[float]], message: str) -> None:
    grid = levels or {"D": np.linspace(0.1, 0.2, 4).reshape(shape)}
    with pytest.raises(ValueError, match=message):
        rdc.trace(COIN, **grid).plot()


def test_a_curve_knows_its_solver() -> None:
    curve = rdc.trace(COIN, D=GRID[:2], solver=solvers.Conic())
    assert {s.solver for s in curve.solutions} == {solvers.Conic()}


def test_slopes_are_finite_differences(surface: rdc.Curve) -> None:
    fine = rdc.trace(COIN, D=[0.0999, 0.1, 0.1001], P=0.02, tol=1e-10)
    assert fine.slopes.distortion[1] == pytest.approx((fine.value[0] - fine.value[2]) / 0.0002, rel=1e-4)
    assert fine.slopes.perception[1] > 0
    assert (fine.slopes.classification == 0).all()
    assert surface.slopes.distortion.shape == surface.value.shape
    assert np.isnan(rdc.trace(OFFSET, D=[0.1, 0.3]).slopes.distortion).tolist() == [True, False]


def test_rates_and_distortions_trace_perceptions() -> None:
    curve = rdc.trace(COIN, R=[[0.42], [0.45]], D=[0.1, 0.12])
    assert curve.quantity == "P"
    assert (curve.value == curve.P).all()
    assert (curve.upper - curve.lower).max() <= 1e-6
    back = rdc.trace(COIN, D=curve.D, P=curve.P)
    np.testing.assert_allclose(back.value, np.where(curve.lower > 0, curve.R, back.value), atol=1e-5)


LABELLED = {
    "tagged": nonconvex_problem(True).classification,
    "deterministic": classifications.ConditionalEntropy([0, 1], tagged=True),
    "cross-entropy": classifications.CrossEntropy([0, 1], [[0.9, 0.1], [0.2, 0.8]]),
    "error rate": classifications.ErrorRate([[1.0, 0.0], [0.7, 0.3]], [0, 1]),
}


@pytest.mark.parametrize("measure", LABELLED.values(), ids=LABELLED.keys())
def test_rates_and_distortions_trace_classifications(measure: classifications.Classification) -> None:
    problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), classification=measure)
    curve = rdc.trace(problem, R=[[0.3], [0.6]], D=[0.01, 0.15, 0.3])
    assert curve.quantity == "C"
    assert (curve.value == curve.C).all()
    np.testing.assert_array_equal(np.isinf(curve.value), [[True, False, False], [True, False, False]])
    told = np.isfinite(curve.value)
    assert (curve.upper[told] - curve.lower[told]).max() <= 1e-6
    # More rate and more distortion allowed never cost more.
    assert (curve.lower[1] <= curve.upper[0]).all()
    assert (curve.lower[:, 2] <= curve.upper[:, 1]).all()
    frame = curve.to_frame()
    np.testing.assert_array_equal(frame["C"], curve.value.ravel())
    np.testing.assert_array_equal(frame["R"], [0.3] * 3 + [0.6] * 3)
    assert (frame["status"] == "INFEASIBLE").tolist() == [True, False, False] * 2


def test_the_price_of_classification_is_the_slope_of_its_curve() -> None:
    curve = rdc.trace(nonconvex_problem(True), R=[0.398, 0.4, 0.402], D=0.3, tol=1e-9)
    assert curve.slopes.classification[1] == pytest.approx(0.004 / (curve.value[0] - curve.value[2]), rel=1e-3)
    assert curve.quantity == "C"


def test_what_is_minimised_can_be_said() -> None:
    problem = nonconvex_problem(True)
    told = rdc.trace(problem, R=0.4, minimise="C")
    assert told.quantity == "C"
    assert told.value == pytest.approx(rdc.classification(problem, 0.4).value, abs=1e-6)
    assert rdc.trace(problem, R=0.4, C=0.4).quantity == rdc.trace(problem, R=0.4, minimise="D").quantity == "D"
    assert rdc.trace(problem, D=0.2, C=0.4, minimise="R").quantity == "R"


def test_straight_pieces_are_traced_in_full() -> None:
    """Deterministic labels: R(inf, C) = H(S) - C and C(R) = H(S) - R, where every price is one."""
    pmf, labels = [0.2, 0.3, 0.1, 0.4], [0, 0, 1, 2]
    measure = classifications.ConditionalEntropy(labels, tagged=True)
    problem = rdc.Problem(sources.Discrete(pmf), distortions.hamming(4), classification=measure)
    HS = h(0.5, 0.1, 0.4)
    down = rdc.trace(problem, C=np.linspace(0.0, HS, 9))
    back = rdc.trace(problem, R=np.linspace(0.1, HS, 9), minimise="C")
    for curve, truth in ((down, HS - down.C), (back, HS - back.R)):
        assert (curve.lower <= truth + 1e-12).all()
        assert (curve.upper >= truth - 1e-12).all()
        assert (curve.upper - curve.lower).max() <= 1e-6


def test_a_surface_is_drawn_with_labelled_contours_and_blanks() -> None:
    curve = rdc.trace(nonconvex_problem(True), D=np.linspace(0.02, 0.3, 5), C=[[0.2], [0.3], [0.36], [0.43]])
    ax = plot_surface(curve)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("distortion $D$", "classification $C$")
    assert len(ax.texts) >= 3
    assert np.isinf(curve.upper[0]).all()
    drawn = np.concatenate([path.vertices for path in ax.collections[0].get_paths()])
    assert drawn[:, 1].min() == pytest.approx(0.3)
    assert {name.get_ylabel() for name in ax.figure.axes} == {"classification $C$", "rate $R$ (bits)"}
    plt.close(ax.figure)
    with pytest.raises(ValueError, match=r"two axes of at least two points \(got shape \(5,\)\)"):
        plot_surface(rdc.trace(COIN, D=np.linspace(0.1, 0.2, 5)))
    with pytest.raises(ValueError, match="one level that varies along its columns alone"):
        plot_surface(rdc.trace(COIN, D=[[0.1, 0.2], [0.15, 0.25]]))


def test_wide_brackets_are_marked_on_a_surface() -> None:
    curve = rdc.trace(nonconvex_problem(True), D=[[0.1, 0.2]], C=[[0.3], [0.4]])
    wide = replace(curve, lower=np.where(np.eye(2), curve.lower, 0.0))
    drawn, plain = plot_surface(wide), plot_surface(curve)
    (marks,) = drawn.lines
    assert sorted(zip(*marks.get_data(), strict=True)) == [(0.1, 0.4), (0.2, 0.3)]
    assert [text.get_text() for text in drawn.get_legend().get_texts()] == ["wide bracket"]
    assert not plain.lines
    for ax in (drawn, plain):
        plt.close(ax.figure)


def test_labels_stand_where_lines_end_and_apart() -> None:
    ax = plt.subplots(layout="constrained")[1]
    for name, end in (("a", 0.0), ("b", 1.0), ("c", 0.001), ("d", 0.002)):
        ax.plot([0, 1, 2], [1.0, 0.5, end], label=name)
    ax.plot([0, 1], [0.5, 0.5])  # without a name
    ax.plot([0, 1], [np.nan, np.nan], label="nowhere")
    for _ in range(2):
        assert [text.get_text() for text in label_lines(ax).texts] == ["a", "c", "d", "b"]
    ax.figure.canvas.draw()
    boxes = [Text.get_window_extent(text) for text in ax.texts]  # an annotation adds its leader
    assert all(low.y1 <= high.y0 for low, high in pairwise(boxes))
    assert all(box.x0 > ax.bbox.x1 and box.x1 <= ax.figure.bbox.x1 for box in boxes)
    assert [text.xy for text in ax.texts] == [(2, 0.0), (2, 0.001), (2, 0.002), (2, 1.0)]
    plt.close(ax.figure)


@pytest.mark.parametrize("suffix", [".pdf", ".svg", ".png"])
def test_figures_of_a_column_keep_their_size_and_letters(surface: rdc.Curve, tmp_path: Path, suffix: str) -> None:
    with style("column"):
        ax = surface.plot()
    assert tuple(ax.figure.get_size_inches()) == (3.5, 2.6)
    save(ax, tmp_path / f"figure{suffix}")
    content = (tmp_path / f"figure{suffix}").read_bytes()
    assert content.startswith({".pdf": b"%PDF", ".svg": b"<?xml", ".png": b"\x89PNG"}[suffix])
    if suffix == ".svg":
        assert b"P = 0.05</text>" in content
    with pytest.raises(ValueError, match=r"must end in \.pdf, \.svg, \.png \(got figure\.gif\)"):
        save(ax, "figure.gif")
    plt.close(ax.figure)
