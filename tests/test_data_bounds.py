"""The stored bounds of MNIST and what is drawn from them."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import band, bounds, mnist, points
from benchmarks.store import Rows

ROWS = Rows(mnist.STORED).rows


def test_stored_rows_obey_the_theory() -> None:
    plain = sorted((r for r in ROWS if r["kind"] == "D"), key=lambda r: r["R"])
    assert (np.diff([r["D"] for r in plain]) < 0).all()
    for row in plain:
        classes = sorted((r for r in ROWS if (r["kind"], r["R"]) == ("DC", row["R"])), key=lambda r: r["C"])
        # D falls as C may rise, and never below the one without classes.
        assert (np.diff([r["D"] for r in [*classes, row]]) <= 1e-4 * row["D"]).all()
        for perfect in (r for r in ROWS if (r["kind"], r["R"]) == ("DP", row["R"])):
            assert row["D"] <= perfect["D"]
            # Drawn from the law of the images given the message, a reproduction is twice as far and no further.
            assert bounds.perceived(ROWS, row["R"], np.linspace(0, 1, 2))[0] <= 2 * row["D"]
    for row in (r for r in ROWS if r["kind"] == "words"):
        # One word an image is no better than blocks.
        assert next(r["D"] for r in plain if r["R"] == row["R"]) < row["D"]
        assert row["rate"] <= row["R"] * (1 + 1e-9)
        assert abs(row["test_rate"] - row["R"]) < 0.02 * row["R"]
    for row in (r for r in ROWS if r["kind"] not in ("lower", "words")):
        assert row["lower"] <= row["D"]
        assert row["rate"] <= row["R"] * (1 + 1e-9)
        assert row["images"] == 60_000
        assert {"commit", "numpy", "machine"} <= set(row["made"])
        if row["level"] is not None and row["kind"] == "DC":
            assert row["C"] <= row["level"] * (1 + 1e-9)
        if row["kind"] != "DP":
            assert abs(row["test_rate"] - row["R"]) < 1e-3 * row["R"]


def test_proved_lower_bounds_are_below_what_is_achieved() -> None:
    """At every stored rate and level, twice as much at P = 0; without the factor two they would not be."""
    lower = [r for r in ROWS if r["kind"] == "lower"]
    for row in lower:
        C = np.inf if row["level"] is None else row["level"]
        assert row["images"] == 60_000
        assert 0 < row["lower"] <= bounds.proved(ROWS, row["R"], C) * (1 + 1e-9)
    for row in (r for r in ROWS if r["kind"] in ("D", "DC")):
        assert bounds.proved(ROWS, row["R"], row["C"]) <= row["D"]
    assert any(2 * bounds.proved(ROWS, r["R"], r["C"]) > r["D"] for r in ROWS if r["kind"] == "D")
    P = np.linspace(0, 0.05, 20)
    for R in {r["R"] for r in ROWS if r["kind"] == "DP"}:
        assert (bounds.proved_looks(ROWS, R, P) <= bounds.perceived(ROWS, R, P)).all()
    assert bounds.proved([], 2.0) == 0.0


def test_proofs_are_kept(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((40, 6))
    given = mnist.Images("made", x, np.arange(40) % 2, x, np.arange(40) % 2)
    rows = Rows(tmp_path / "rows.jsonl")
    rates = {1.0: (8, (0.5,)), 2.0: (8, ())}
    assert len(list(mnist.prove(given, rates, rows))) == 3
    assert list(mnist.prove(given, rates, Rows(rows.path))) == []
    for row in rows.rows:
        assert row["lower"] >= 0
    assert rows.rows[0]["lower"] > rows.rows[2]["lower"]


def test_plan_asks_for_everything_once() -> None:
    planned = mnist.plan(mnist.RATES)
    assert len(planned) == len(set(planned)) == sum(2 + len(levels) for _, levels in mnist.RATES.values())


def test_time_sharing_is_a_line_and_moving_is_below_its_ends() -> None:
    rows = [
        {"kind": "D", "R": 2.0, "D": 0.04},
        {"kind": "DP", "R": 2.0, "D": 0.07, "estimate_D": 0.05},
    ]
    P = np.linspace(0, 0.05, 30)
    D = bounds.perceived(rows, 2.0, P)
    assert D is not None
    assert abs(D[0] - 0.07) < 1e-15
    assert abs(D[-1] - 0.04) < 1e-15
    assert (np.diff(D) <= 0).all()
    assert (np.diff(D, 2) >= -1e-12).all()
    assert (0.07 - 0.03 * np.minimum(P / 0.04, 1) + 1e-15 >= D).all()
    assert bounds.perceived(rows[:1], 2.0, P) is None


def test_bounds_between_levels_are_chords() -> None:
    rows = [
        {"kind": kind, "R": 2.0, "C": C, "D": D, "test_D": D} for kind, C, D in (("DC", 0.5, 0.06), ("D", 1.5, 0.04))
    ]
    assert bounds.at(rows, 2.0, 1.0) == pytest.approx((0.05, 0.05), abs=1e-15)
    assert bounds.at(rows, 2.0, 3.0)[0] == 0.04
    with pytest.raises(ValueError, match="no bound is stored"):
        bounds.at(rows, 2.0, 0.4)


def test_a_network_goes_from_the_bound_by_its_stages() -> None:
    rows = [
        {"kind": kind, "R": 4.755, "C": C, "D": D, "test_D": D + 0.001}
        for kind, C, D in (("DC", 0.2, 0.042), ("D", 1.2, 0.04))
    ]
    told = [points.Point("a", 4.755, 0.045, 0.2), points.Point("b", 4.755, 0.043, 1.2)]
    network = points.Point("n", 4.755, 0.049, 0.7, encoder=0.046, dithered=0.048)
    names, levels = zip(*bounds.stages(rows, told, network), strict=True)
    assert names == ("bound", "generalisation", "one word a message", "encoder", "dither", "decoder")
    assert levels == pytest.approx((0.041, 0.042, 0.044, 0.046, 0.048, 0.049))
    assert [D for _, D in bounds.stages(rows, told, told[1])] == pytest.approx([0.04, 0.041, 0.043])


def test_stages_add_up() -> None:
    stages = [("bound", 0.039), ("generalisation", None), ("words", 0.043), ("decoder", 0.046)]
    table = bounds.decompose(stages)
    assert list(table["stage"]) == ["bound", "words", "decoder"]
    assert abs(table["added"].sum() - 0.007) < 1e-15
    assert abs(table["share"].sum() - 1) < 1e-12
    with pytest.raises(ValueError, match="no stage"):
        bounds.decompose([("bound", None)])


def test_figure_says_what_is_not_certified() -> None:
    figure = band.draw(ROWS, [points.Point("codec", 4.755, 0.043, 1.0)], 4.755)
    legend = figure.axes[0].get_legend()
    assert legend is not None
    told = [text.get_text() for text in legend.get_texts()]
    assert any("not certified" in text for text in told)
    assert "codec" in told


def test_where_nothing_is_stored_codecs_are_drawn_alone() -> None:
    codec = points.Point("codec", 4.755, 0.043, 1.0, P=0.02)
    plain = [row for row in ROWS if row["kind"] == "D"]

    def labels(rows: list[dict[str, object]]) -> list[set[str]]:
        return [set(ax.get_legend_handles_labels()[1]) for ax in band.draw(rows, [codec], 4.755).axes]

    assert labels([])[:2] == [{"codec"}, {"codec"}]
    assert "$D(R)$" not in labels([])[2]
    classes, looks, rates = labels(plain)
    assert "achieved at $R$ = 4.755 bits, training images" in classes
    assert looks == {"codec"}
    assert "$D(R)$" in rates
    assert "$D(R, P = 0)$" not in rates
    assert points.words([]) == points.networks([]) == []


def test_stored_networks_lie_above_the_line() -> None:
    """Also when they are judged by what their messages leave open of the class, a mean over seeds with its error."""
    codecs = points.networks(Rows(mnist.STORED.with_name("codecs-reduced.jsonl")).rows)
    assert {point.reused for point in codecs} == {False, True}
    assert points.networks([]) == []
    for point in codecs:
        assert point.D - 4 * point.error > bounds.at(ROWS, 4.755, point.C)[1]
