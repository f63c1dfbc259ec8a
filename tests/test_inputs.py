"""Right arguments: taken however they look, copied, left as they were; the caller is told what is amiss."""

import re
import warnings
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from brackets import assert_equal, quietly
from coins import PLAIN
from problems import COIN

import rdcfunc as rdc
from rdcfunc import Prices, Target, classifications, distortions, perceptions, solvers, sources


@pytest.mark.parametrize(
    "make",
    [
        lambda table: sources.Discrete(table),
        lambda table: classifications.ConditionalEntropy([table]),
        lambda table: classifications.CrossEntropy([0, 1], [table]),
    ],
)
@pytest.mark.parametrize(("error", "warned"), [(0.0, False), (1e-14, False), (1e-9, True), (9e-7, True)])
def test_a_little_mass_is_renormalised(make: Callable[[object], object], error: float, warned: bool) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = make([0.5, 0.5 + error])
    assert [bool(re.search("sums to 1 only within .* renormalised", str(w.message))) for w in caught] == [True] * warned
    tables = [value for value in vars(made).values() if isinstance(value, np.ndarray)]
    assert any(abs(table.sum(axis=-1) - 1.0).max() <= 2e-16 for table in tables)


NEVER = 1e-300


@pytest.mark.parametrize(
    "call",
    [
        lambda: sources.Discrete([0.5, 0.5 + 1e-9]),
        lambda: rdc.decode(PLAIN, [[0.5, 0.5 + 1e-9]] * 2),
        lambda: rdc.certify(PLAIN, [[0.5, 0.5 + 1e-9]] * 2, D=1.0),
        lambda: rdc.rate(COIN, D=0.1, P=0.02, tol=NEVER),
        lambda: rdc.distortion(COIN, R=0.5, P=0.02, tol=NEVER),
        lambda: rdc.certify(PLAIN, [[0.9, 0.1], [0.1, 0.9]], D=0.1, tol=NEVER),
        lambda: rdc.decode(COIN, [[0.9, 0.1], [0.1, 0.9]], P=0.0, tol=NEVER),
        lambda: rdc.universal_rate(COIN, [rdc.Target(0.1), rdc.Target(0.2, 0.0)], tol=NEVER),
        lambda: rdc.trace(COIN, D=[0.1, 0.2], P=0.02, tol=NEVER),
    ],
)
def test_the_warning_points_at_the_caller(call: Callable[[], object]) -> None:
    with pytest.warns(UserWarning, match=r"renormalised|\bwider\b") as caught:
        call()
    assert {warning.filename for warning in caught} == {__file__}


#: Each beside the same in plain words.
RIGHT: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "integers": (lambda: sources.Discrete([1, 0]), lambda: sources.Discrete([1.0, 0.0])),
    "booleans": (lambda: distortions.matrix([[False, True]]), lambda: distortions.matrix([[0.0, 1.0]])),
    "float32": (lambda: distortions.matrix(np.ones((2, 2), np.float32)), lambda: distortions.matrix(np.ones((2, 2)))),
    "a tuple": (lambda: classifications.ErrorRate((0, 1), (0, 1)), lambda: classifications.ErrorRate([0, 1], [0, 1])),
    "Fortran order": (
        lambda: distortions.matrix(np.asfortranarray([[0.0, 1.0], [2.0, 0.0]])),
        lambda: distortions.matrix([[0.0, 1.0], [2.0, 0.0]]),
    ),
    "a view": (
        lambda: distortions.matrix(np.arange(16.0).reshape(4, 4)[::2, ::-1]),
        lambda: distortions.matrix([[3.0, 2.0, 1.0, 0.0], [11.0, 10.0, 9.0, 8.0]]),
    ),
    "labels of many letters": (
        lambda: classifications.ConditionalEntropy(np.arange(300) % 2),
        lambda: classifications.ConditionalEntropy(np.tile(np.eye(2), (150, 1))),
    ),
    "a level that is a NumPy number": (lambda: rdc.rate(COIN, D=np.float64(0.1)), lambda: rdc.rate(COIN, D=0.1)),
    "a level that is an integer": (lambda: rdc.rate(COIN, D=1), lambda: rdc.rate(COIN, D=1.0)),
}


@pytest.mark.parametrize(("odd", "plain"), RIGHT.values(), ids=RIGHT.keys())
def test_right_arguments_that_look_wrong(odd: Callable[[], object], plain: Callable[[], object]) -> None:
    assert_equal(odd(), plain())


def arrays(thing: object) -> list[np.ndarray]:
    return [value for value in vars(thing).values() if isinstance(value, np.ndarray)]


def test_inputs_are_copied_and_stored_read_only() -> None:
    pmf, table = np.array([0.25, 0.75]), np.array([[0.5, 0.5], [0.25, 0.75]])
    answers, points = np.array([0, 1]), np.array([0.0, 1.0])
    before = [array.copy() for array in (pmf, table, answers, points)]
    made = [
        sources.Discrete(pmf),
        distortions.matrix(table),
        distortions.squared_error(points),
        perceptions.Wasserstein(table),
        classifications.ConditionalEntropy(table),
        classifications.ConditionalEntropy(answers),
        classifications.CrossEntropy(table, table),
        classifications.ErrorRate(answers, answers),
    ]
    for thing in made:
        assert arrays(thing)
        for stored in arrays(thing):
            assert not stored.flags.writeable
            assert not any(np.shares_memory(stored, given) for given in (pmf, table, answers, points))
    problem = rdc.Problem(made[0], made[1], made[3], made[4])
    channel, price = np.eye(2), np.array([0.1, -0.1])
    quietly(rdc.certify, problem, channel, Prices(1.0, 1.0, 1.0, price), D=0.4, P=0.5, C=0.95)
    np.testing.assert_array_equal(channel, np.eye(2))
    np.testing.assert_array_equal(price, [0.1, -0.1])
    for array, old in zip((pmf, table, answers, points), before, strict=True):
        np.testing.assert_array_equal(array, old)


@pytest.mark.parametrize(
    "thing", [sources.uniform(2), distortions.hamming(2), Target(), COIN, Prices(), solvers.Conic()], ids=type
)
def test_nouns_are_frozen(thing: object) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(thing, next(iter(vars(thing))), None)


def test_status_is_a_sentence() -> None:
    assert all(status.value[0].isupper() and status.value.endswith(".") for status in rdc.Status)
