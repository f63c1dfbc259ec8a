"""What all verbs have in common: what they hand on, what they refuse, and where their warnings point."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, solvers, sources

BINARY = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
JUDGED = replace(BINARY, classification=classifications.ErrorRate([0, 1], [0, 1]))
ONE_SURFACE = {
    "rate": partial(rdc.rate, BINARY, D=0.1, P=0.1),
    "distortion": partial(rdc.distortion, BINARY, R=0.4, P=0.1),
    "perception": partial(rdc.perception, BINARY, R=0.4, D=0.11),
    "classification": partial(rdc.classification, JUDGED, R=0.4, P=0.1),
}
VERBS = ONE_SURFACE | {
    "trace": partial(rdc.trace, BINARY, D=[0.1], P=0.1),
    "universal_rate": partial(rdc.universal_rate, BINARY, [rdc.Target(0.1), rdc.Target(0.2, 0.1)]),
    "rate_penalty": partial(rdc.rate_penalty, BINARY, [rdc.Target(0.1, 0.2), rdc.Target(0.2, 0.1)]),
    "reuse_penalty": partial(rdc.reuse_penalty, BINARY, [rdc.Target(P=0.1)], R=0.4),
}
#: A bracket that no solver can reach.
NEVER = 1e-300


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
def test_every_verb_asks_the_solver_that_it_is_given(verb: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match=r"^BlahutArimoto meets linear levels only"):
        verb(solver=solvers.BlahutArimoto())


@pytest.mark.parametrize("verb", ONE_SURFACE.values(), ids=ONE_SURFACE.keys())
def test_every_verb_looks_at_the_start_that_it_is_given(verb: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match=r"^start must be a Solution of a neighbouring question"):
        verb(start=np.eye(2))


@pytest.mark.parametrize("name", ["rate_penalty", "reuse_penalty", *ONE_SURFACE])
def test_a_wide_bracket_is_told_where_the_verb_was_called(name: str) -> None:
    with pytest.warns(rdc.WideBracketWarning) as caught:
        VERBS[name](tol=NEVER)
    assert {warning.filename for warning in caught} == {__file__}
    assert len(caught) == 1


def test_pairs_of_a_reuse_that_are_wide_are_counted_once() -> None:
    theta = [rdc.Target(), rdc.Target(P=0.02)]
    with pytest.warns(rdc.WideBracketWarning, match=r"of 6 brackets are wider than tol = 1e-300") as caught:
        rdc.reuse_penalty(BINARY, theta, R=0.4, tol=NEVER)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    ("verb", "given", "cure"),
    [
        (rdc.rate, {"R": 0.5}, r"rate gives R .*\(got R=0\.5\).*ask distortion\(problem, R="),
        (rdc.distortion, {"R": 0.5, "D": 0.1}, r"gives D .*\(got D=0\.1\).*ask rate\(problem, D="),
        (rdc.perception, {"R": 0.5, "P": 0.0}, r"gives P .*ask rate\(problem, P="),
        (rdc.classification, {"R": 0.5, "C": 0.6}, r"gives C .*ask rate\(problem, C="),
    ],
)
def test_a_verb_given_what_it_computes_names_the_verb_that_takes_it(
    verb: Callable[..., object], given: dict[str, float], cure: str
) -> None:
    with pytest.raises(TypeError, match=cure):
        verb(JUDGED, **given)


def test_a_dictionary_is_no_pmf() -> None:
    with pytest.raises(ValueError, match=re.escape("(got {'a': 1.0}); give list(table.values())")):
        sources.Discrete({"a": 1.0})


def test_a_trace_of_an_encoder_refuses_a_tolerance_that_no_bracket_has() -> None:
    with pytest.raises(ValueError, match=r"tol must be > 0 \(got -1.0\)"):
        rdc.trace(BINARY, encoder=np.eye(2), tol=-1.0)
