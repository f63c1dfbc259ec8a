"""Levels that no channel meets: the error names the least one that can be met, and it is."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from brackets import quietly
from coins import ENTROPY, FAR, FLIPPED, JUDGED, OFFSET, PLAIN, TAGGED

import rdcfunc as rdc
from rdcfunc import Target, classifications, distortions, perceptions, solvers, sources

inf = np.inf
INFEASIBLE: dict[str, tuple[rdc.Problem, dict[str, float], str, float]] = {
    "D": (OFFSET, {"D": 0.1}, "D", 0.2),
    "D, KL": (replace(OFFSET, perception=perceptions.KL()), {"D": 0.1, "P": 1.0}, "D", 0.2),
    "P": (FAR, {"P": 0.4}, "P", 1.0),
    "C, data processing": (ENTROPY, {"C": 0.1}, "C", 0.3 * 0.8812908992306927),
    "C, tagged": (TAGGED, {"D": 0.1, "C": 0.1}, "C", 0.3 * 0.8812908992306927),
    "C, error": (JUDGED, {"C": 0.01}, "C", 0.06),
    "D against C": (FLIPPED, {"D": 0.2, "C": 0.3}, "D", 0.7),
    "D against P": (
        replace(PLAIN, perception=perceptions.Wasserstein([[1.0, 0.0], [0.0, 1.0]])),
        {"D": 0.05, "P": 0.1},
        "D",
        0.3,
    ),
}
each_infeasible = pytest.mark.parametrize(
    ("problem", "levels", "name", "least"), INFEASIBLE.values(), ids=INFEASIBLE.keys()
)


@each_infeasible
def test_infeasible_levels_name_the_least_feasible_one(
    problem: rdc.Problem, levels: dict[str, float], name: str, least: float
) -> None:
    pattern = rf"^{name} = {levels[name]:g} is infeasible: the smallest feasible {name} is ([-+.e\d]+) \(.+\); raise"
    with pytest.raises(rdc.InfeasibleError, match=pattern) as caught:
        rdc.rate(problem, **levels)
    stated = re.search(pattern, str(caught.value))
    assert stated is not None
    assert float(stated[1]) == pytest.approx(least, abs=1e-7)
    assert isinstance(caught.value, ValueError)


@each_infeasible
def test_the_cure_for_an_infeasible_level_works(
    problem: rdc.Problem, levels: dict[str, float], name: str, least: float
) -> None:
    cured = levels | {name: least + 1e-4}
    assert quietly(rdc.rate, problem, **cured, tol=1e-2).upper < inf  # at the very end of a curve
    just_below = levels | {name: least - 1e-4}
    with pytest.raises(rdc.InfeasibleError, match=name):
        rdc.rate(problem, **just_below, tol=1e-3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: rdc.distortion(FAR, R=0.5, P=0.4),
        lambda: rdc.distortion(ENTROPY, R=0.5, C=0.1),
        lambda: rdc.classification(replace(OFFSET, classification=TAGGED.classification), R=0.5, D=0.1),
        lambda: rdc.classification(replace(OFFSET, classification=JUDGED.classification), R=0.5, D=0.1),
        # h(0.3) - h(0.01) bits are needed for this level alone.
        lambda: rdc.classification(TAGGED, R=0.1, D=0.01),
        lambda: rdc.certify(OFFSET, np.eye(2), D=0.1),
        lambda: rdc.universal_rate(OFFSET, [Target(0.1), Target(0.3)]),
        # h(0.3) - h(0.01) bits are needed for this level alone.
        lambda: rdc.distortion(replace(PLAIN, classification=classifications.ErrorRate([0, 1], [0, 1])), 0.1, C=0.01),
    ],
)
def test_every_verb_refuses_what_no_channel_meets(call: Callable[[], object]) -> None:
    with pytest.raises(rdc.InfeasibleError, match="infeasible"):
        call()


EACH = [None, *(solvers.TupleGeneration(master=m()) for m in (solvers.InteriorPoint, solvers.BlahutArimoto))]


@pytest.mark.parametrize("solver", EACH)
def test_one_target_that_no_channel_meets_is_enough(solver: solvers.Solver | None) -> None:
    """Neither implies the other, and the message names the one that is out of reach."""
    both = [Target(0.9, C=0.2), Target(0.2, C=0.3)]
    with pytest.raises(rdc.InfeasibleError, match=r"^D = 0\.2 of target 1 is infeasible: .* feasible D is 0\.7"):
        rdc.universal_rate(FLIPPED, both, solver=solver)


def test_a_perception_that_bans_keep_out_of_reach_is_refused() -> None:
    """Nobody may show letter 0, so that the output law is far from the source's, and no level clashes with another."""
    barred = rdc.Problem(sources.bernoulli(0.3), distortions.matrix([[inf, 0.2], [inf, 0.0]]), perceptions.Hellinger())
    least = 1 - np.sqrt(0.3)
    for call in (lambda P: rdc.distortion(barred, R=0.5, P=P), lambda P: rdc.decode(barred, np.eye(2), P=P)):
        with pytest.raises(rdc.InfeasibleError, match=r"^P = 0\.1 is infeasible: .* P is 0\.4522"):
            call(0.1)
        assert call(least + 1e-4).upper == pytest.approx(0.14)
