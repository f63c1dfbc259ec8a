"""Samples in R^k with free letters: brackets against known truths, and bounds that say what they are."""

import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from brackets import quietly
from measure import equivocation, information
from scipy.integrate import quad
from scipy.special import gammaln, ive

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, solvers, sources
from rdcfunc.columns import points as free_points
from rdcfunc.columns.points import Earner, supremum
from rdcfunc.empirical.transport import _cost, _on_a_line
from rdcfunc.passes import rows as passes
from rdcfunc.passes.cloud import Cloud
from rdcfunc.passes.on_numpy import NumPy
from rdcfunc.passes.on_torch import Torch
from rdcfunc.passes.rows import Rows

SQUARED = distortions.squared_error()
LINE = np.array([-2.0, -1.4, -1.1, -0.3, 0.0, 0.2, 0.9, 1.3, 2.1])
LINE_LABELS = np.array([0, 0, 1, 0, 1, 1, 0, 1, 1])


def normal(n: int, k: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, k))


def ask(verb: str, problem: rdc.Problem, **given: object) -> rdc.Solution:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rdc.WideBracketWarning)
        return getattr(rdc, verb)(problem, **given)


@cache
def labelled() -> rdc.Problem:
    measure = classifications.ConditionalEntropy(LINE_LABELS, tagged=True)
    return rdc.Problem(sources.Samples(LINE), SQUARED, classification=measure)


def brute(x: np.ndarray, v: np.ndarray, s: float, t: float, labels: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``log sup_b f`` by the definition, for two classes, over a grid of b."""
    b = np.linspace(0, 1, 2001)
    sums = [np.exp(-s * ((x[labels == c][:, None] - y) ** 2).sum(-1)).T @ v[labels == c] for c in (0, 1)]
    return np.log((np.outer(sums[0], b**t) + np.outer(sums[1], (1 - b) ** t)).max(axis=1))


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("t", [0.0, 0.6, 1.0])
def test_supremum_bounds_every_letter_and_is_nearly_attained(k: int, t: float) -> None:
    random = np.random.default_rng(k)
    x, v, labels = normal(25, k), random.exponential(size=25), random.integers(2, size=25)
    bound, met = supremum(Earner(x, np.log(v), 1.3, t, labels), 1e-6)
    y = np.concatenate([x, met, random.uniform(-3, 3, (2000, k))])
    values = brute(x, v, 1.3, t, labels, y)
    assert values.max() <= bound
    assert bound <= values.max() + 1e-5


def test_corners_alone_are_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the curvature that its bound adds, a search that ends early is below what a letter earns."""
    earner = Earner(np.array([[0.0], [0.5], [1.0]]), np.zeros(3), 4.0)
    monkeypatch.setattr(free_points, "_WORK", 10)  # two corners, then no more
    bound, _ = supremum(earner, 1e-9)
    inside = earner.log_earned(np.array([[0.5]]))[0]
    corners = earner.log_earned(np.array([[0.0], [1.0]])).max()
    assert corners < inside <= bound


@pytest.mark.parametrize("level", [0.1, 0.4, 1.0])
def test_line_equals_the_fixed_grid(level: float) -> None:
    """Free letters beat those of a grid, and letters rounded to the grid of step h cost h²/4 more distortion."""
    free = rdc.rate(rdc.Problem(sources.Samples(LINE), SQUARED), D=level, tol=1e-5)
    step = 0.02
    grid = np.arange(LINE.min(), LINE.max() + step, step)
    fixed = rdc.Problem(sources.uniform(LINE.size), distortions.squared_error(LINE, grid))
    assert free.lower <= rdc.rate(fixed, D=level).upper
    assert rdc.rate(fixed, D=level + step**2 / 4).lower <= free.upper
    assert rdc.rate(fixed, D=level - 0.01).lower > free.upper  # another level is told apart


@pytest.mark.parametrize("C", [0.6, 0.2, 0.0])
def test_labels_on_a_line_equal_the_fixed_grid(C: float) -> None:
    free = ask("rate", labelled(), D=0.3, C=C, tol=1e-4)
    step = 0.1
    grid = np.arange(LINE.min(), LINE.max() + step, step)
    measure = classifications.ConditionalEntropy(LINE_LABELS, tagged=True)
    fixed = rdc.Problem(sources.uniform(LINE.size), distortions.squared_error(LINE, grid), classification=measure)
    assert free.gap < 1e-3
    assert free.lower <= ask("rate", fixed, D=0.3, C=C, tol=1e-4).upper
    assert ask("rate", fixed, D=0.3 + step**2 / 4, C=C, tol=1e-4).lower <= free.upper


def test_verbs_agree_and_the_channel_is_what_they_say() -> None:
    found = ask("distortion", labelled(), R=1.2, C=0.4, tol=1e-5)
    back = ask("rate", labelled(), D=found.upper, C=0.4, tol=1e-5)
    assert back.lower <= 1.2 + 1e-9
    assert back.upper >= 1.2 - found.gap * found.prices.distortion - 1e-3
    least = ask("classification", labelled(), R=1.2, D=found.upper + 1e-3, tol=1e-4)
    assert least.lower <= 0.4 + 1e-9
    for answer in (found, back, least):
        p, letters = answer.source, answer.sent.letters[answer.letters[:, 0]]
        assert abs(information(p, answer.encoder) - answer.rate) < 1e-9
        D = float(p @ (answer.encoder * (LINE[:, None] - letters[:, 0]) ** 2).sum(axis=1))
        assert abs(D - answer.achieved.D) < 1e-9
        labels = np.eye(2)[LINE_LABELS]
        assert abs(equivocation(p, answer.encoder, labels) - answer.achieved.C) < 1e-9
        assert answer.achieved.C <= 1 or answer.achieved.D < 1
        np.testing.assert_allclose(answer.channel.sum(axis=1), 1.0)
        assert answer.channel.shape == (LINE.size, answer.m)


def test_telling_the_class_costs_at_most_its_entropy() -> None:
    """``R(D, 0) <= R(D, C) + C``: deterministic labels have slopes of at most one."""
    certain = ask("rate", labelled(), D=0.3, C=0.0, tol=1e-3)
    for C in (0.7, 0.3, 0.05):
        some = ask("rate", labelled(), D=0.3, C=C, tol=1e-3)
        assert certain.lower <= some.upper + C
        assert some.lower <= certain.upper


def test_class_alone_has_a_closed_form() -> None:
    prior = 4 / 9
    entropy = -prior * np.log2(prior) - (1 - prior) * np.log2(1 - prior)
    assert abs(rdc.rate(labelled(), C=0.5).upper - (entropy - 0.5)) < 1e-9
    assert abs(rdc.classification(labelled(), R=0.3).lower - (entropy - 0.3)) < 1e-9


@pytest.mark.parametrize(("k", "R", "letters"), [(1, 1.0, 64), (4, 2.0, 128), (16, 2.0, 128)])
def test_gaussian_samples_are_bracketed_by_training_and_test(k: int, R: float, letters: int) -> None:
    """``D(R) = k 2^(-2R/k)``: what letters do for samples that they did not see is above it, up to sampling error."""
    n = 3000
    truth = k * 2 ** (-2 * R / k)
    problem = rdc.Problem(sources.Samples(normal(n, k)), SQUARED)
    found = ask("distortion", problem, R=R, solver=solvers.Particles(letters, searches=0))
    unseen = found.sent.held_out(normal(n, k, seed=1), R=R)
    error = 4 * truth * sqrt(2 / (n * k))
    assert abs(unseen.rate - R) < 1e-3
    assert truth - error <= unseen.D <= 1.04 * truth + error
    assert found.upper <= unseen.D + error
    assert 0.93 * truth - error <= found.upper <= 1.01 * truth + error


def test_noisy_sphere_has_the_rate_of_its_noise() -> None:
    """At ``D = k e²`` Shannon's lower bound is attained by the noiseless point of the sphere itself."""
    k, e, n = 4, 0.35, 4000
    random = np.random.default_rng(2)
    y = random.standard_normal((n, k))
    x = y / np.linalg.norm(y, axis=1, keepdims=True) + e * random.standard_normal((n, k))

    def log_density(r: float) -> float:
        """Of the sphere's uniform law blurred: a Bessel function of the radius."""
        z, order = r / e**2, k / 2 - 1
        bessel = np.log(ive(order, z)) + z + gammaln(k / 2) + order * np.log(2 / z)
        return float(-(k / 2) * np.log(2 * np.pi * e**2) - (r**2 + 1) / (2 * e**2) + bessel)

    area = 2 * np.pi ** (k / 2) / np.exp(gammaln(k / 2))

    def term(r: float) -> float:
        return -area * r ** (k - 1) * np.exp(log_density(r)) * log_density(r)

    entropy = quad(term, 1e-6, 4.0, limit=200)[0]
    truth = (entropy - k / 2 * np.log(2 * np.pi * np.e * e**2)) / np.log(2)
    problem = rdc.Problem(sources.Samples(x), SQUARED)
    found = ask("rate", problem, D=k * e**2, solver=solvers.Particles(128, searches=0))
    assert found.upper <= truth + 0.03
    # What the letters do for samples that they did not see, brought to this distortion at their price.
    y = random.standard_normal((n, k))
    unseen = found.sent.held_out(y / np.linalg.norm(y, axis=1, keepdims=True) + e * random.standard_normal((n, k)))
    achieved = unseen.rate + found.prices.distortion * (unseen.D - k * e**2)
    assert truth - 0.03 <= achieved <= found.upper + 0.15


def test_perfect_perception_is_certified_in_any_dimension() -> None:
    x = normal(30, 6)
    problem = rdc.Problem(sources.Samples(x), SQUARED, perceptions.Wasserstein())
    found = rdc.distortion(problem, R=1.5, P=0.0, tol=1e-6)
    assert found.status is rdc.Status.CERTIFIED
    free = ask("distortion", problem, R=1.5)
    assert free.lower <= found.lower
    assert found.upper <= 2 * free.upper * (1 + 1e-9)  # the best estimate at most doubles
    some = ask("distortion", problem, R=1.5, P=0.3)
    assert free.lower <= some.upper <= found.upper
    back = ask("rate", problem, D=found.upper, P=0.0, tol=1e-4)
    assert back.lower <= 1.5 + 1e-9 <= back.upper + 1e-4
    least = ask("perception", problem, R=1.5, D=found.upper)
    assert least.upper < 1e-6


def test_perception_of_a_gaussian() -> None:
    x = np.sort(normal(600, 1)[:, 0])
    x = (x - x.mean()) / x.std()
    problem = rdc.Problem(sources.Samples(x), SQUARED, perceptions.Wasserstein())
    found = ask("distortion", problem, R=1.0, P=0.0, solver=solvers.Particles(64))
    truth = 0.25 + (1 - sqrt(0.75)) ** 2
    assert found.lower <= found.upper < found.lower + 0.005
    assert abs(found.upper - truth) < 4 * truth * sqrt(2 / 600)


@pytest.mark.parametrize("P", [0.005, 0.02, 0.04])
def test_between_no_perception_and_perfect_perception_no_channel_on_a_grid_beats_the_bound(P: float) -> None:
    x = normal(9, 1, seed=2)[:, 0]
    y = np.linspace(x.min(), x.max(), 61)
    cost = (x[:, None] - y) ** 2
    fixed = rdc.Problem(sources.uniform(9), distortions.matrix(cost), perceptions.Wasserstein(cost))
    free = rdc.Problem(sources.Samples(x), SQUARED, perceptions.Wasserstein())
    there = rdc.distortion(fixed, R=0.8, P=P, tol=1e-5)
    found = ask("distortion", free, R=0.8, P=P)
    assert found.lower <= there.upper
    assert found.lower > rdc.distortion(free, R=0.8).upper  # the level costs something, and the bound knows
    assert found.upper - found.lower < 0.15 * found.upper
    assert ask("rate", free, D=there.upper, P=P).lower <= 0.8
    assert ask("perception", free, R=0.8, D=there.upper).lower <= P


@pytest.mark.parametrize(("n", "k", "D"), [(300, 1, 0.3), (300, 2, 0.6), (60, 3, 1.8)])
def test_few_samples_in_few_dimensions_are_certified(n: int, k: int, D: float) -> None:
    found = rdc.rate(rdc.Problem(sources.Samples(normal(n, k)), SQUARED), D=D, tol=1e-4)
    assert found.status is rdc.Status.CERTIFIED
    assert found.gap < 1e-4


def test_transport_costs_what_its_coupling_costs() -> None:
    x, y, q = normal(40, 1), normal(7, 1, seed=3), np.full(7, 1 / 7)
    rows = Rows(x, np.full(40, 1 / 40))
    exact = perceptions.Wasserstein((np.sort(x, axis=0) - np.sort(y[:, 0] + 0.0)) ** 2)
    line = _on_a_line(rows, y - rows.centre, q)
    assert abs(line - exact.value(np.full(40, 1 / 40), q)) < 1e-12
    cloud = Cloud(y - rows.centre, np.log(q), np.zeros((7, 1)), 5.0)
    sums = rows.sweep(cloud)
    assert _cost(rows.energy, sums.moments, sums.law, y - rows.centre, q) >= line


def test_what_is_only_searched_says_so() -> None:
    problem = rdc.Problem(sources.Samples(normal(80, 5)), SQUARED)
    with pytest.warns(rdc.WideBracketWarning, match="not certified"):
        found = rdc.rate(problem, D=2.0, solver=solvers.Particles(32, products=0))
    assert found.status is rdc.Status.SEARCHED
    assert "not certified" in repr(found)
    assert found.lower == 0.0
    assert found.searched is not None
    assert 0 < found.searched <= found.upper
    # The same points in the plane are certified, and flat data in many dimensions are few.
    flat = normal(60, 2) @ normal(2, 7, seed=4)
    assert ask("rate", rdc.Problem(sources.Samples(flat), SQUARED), D=3.0).lower > 0.1


def test_random_prices_never_beat_the_upper_bound() -> None:
    """Weak duality on the plane, by the definition, for random prices and weights."""
    random = np.random.default_rng(5)
    x = normal(30, 2)
    upper = ask("rate", rdc.Problem(sources.Samples(x), SQUARED), D=0.7).upper
    for _ in range(20):
        s = float(random.exponential(2.0))
        log_a = random.normal(size=30)
        bound, _ = supremum(Earner(x, log_a - np.log(30), s), 1e-3)
        assert log_a.mean() - bound - s * 0.7 <= upper * np.log(2)


def cloud_of(x: np.ndarray, K: int) -> Cloud:
    random = np.random.default_rng(6)
    log_b = np.log(random.dirichlet(np.ones(K), 12))
    return Cloud(x[:12], np.log(random.dirichlet(np.ones(12))), log_b, 0.8, 0.5)


@pytest.mark.parametrize("machine", [NumPy(False), NumPy(True), Torch(False, "cpu"), Torch(True, "cpu")])
def test_passes_equal_the_definition(machine: passes.Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "_CHUNK", 100)  # chunks of eight rows
    x, labels = normal(70, 3), np.random.default_rng(7).integers(3, size=70)
    p = np.random.default_rng(8).dirichlet(np.ones(70))
    rows = Rows(x, p, labels, 3, machine)
    cloud = cloud_of(x, 3)
    sums = rows.sweep(cloud)
    about = x - p @ x
    e = cloud.log_r - 0.8 * ((about[:, None] - cloud.letters) ** 2).sum(-1) + 0.5 * cloud.log_b.T[labels]
    w = np.exp(e) / np.exp(e).sum(axis=1, keepdims=True)
    close = {"rtol": 1e-9, "atol": 1e-12} if machine.double else {"rtol": 2e-4, "atol": 1e-6}
    np.testing.assert_allclose(sums.law, p @ w, **close)
    np.testing.assert_allclose(sums.moments, (w * p[:, None]).T @ about, **close)
    np.testing.assert_allclose(sums.spent(cloud) / np.log(2), information(p, w), **close)
    np.testing.assert_allclose(sums.entropy / np.log(2), equivocation(p, w, np.eye(3)[labels]), **close)
    earned, _ = rows.earned(np.log(rows.p), cloud.letters, 0.8)
    kernel = np.exp(-0.8 * ((about[:, None] - cloud.letters) ** 2).sum(-1)) * p[:, None]
    np.testing.assert_allclose(np.exp(earned).sum(axis=0), kernel.sum(axis=0), **close)


@pytest.mark.parametrize("machine", [NumPy(False), Torch(False, "cpu")])
def test_where_memory_runs_out_parts_are_halved_until_they_fit(
    machine: passes.Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = normal(70, 3)
    rows = Rows(x, np.full(70, 1 / 70), machine=machine)
    cloud = cloud_of(x, 1)

    def both() -> list[np.ndarray]:
        sums = rows.sweep(cloud)
        return [sums.mass, sums.moments, *rows.earned(np.log(rows.p), cloud.letters, 0.8)]

    expected, room, tried = both(), 5, []

    def scarce(work: Callable[..., object]) -> Callable[..., object]:
        def within(*given: Any) -> object:
            tried.append(max(stop - start for _, start, stop in given[2]))
            if tried[-1] > room:
                raise machine.exhausted("out of memory")
            return work(*given)

        return within

    for name in ("sweep", "kernel"):
        monkeypatch.setattr(machine, name, scarce(getattr(machine, name)))
    for found, known in zip(both(), expected, strict=True):
        np.testing.assert_allclose(found, known, rtol=1e-12, atol=1e-14)
    assert tried[0] == 70
    assert room // 2 < tried[-1] <= room
    assert tried[-2:] == [tried[-1]] * 2, "what does not fit is tried once"
    room = 0
    with pytest.raises(MemoryError, match=r"ran out at 12 letters for one sample at a time .*use fewer"):
        rows.sweep(cloud)


def test_two_processes_answer_as_one(tmp_path: Path) -> None:
    script = tmp_path / "share.py"
    script.write_text(SHARED)
    port = tmp_path / "meeting"
    work = [
        subprocess.Popen([sys.executable, script, str(rank), str(port)], stdout=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]
    told = [process.communicate(timeout=120)[0].split() for process in work]
    assert told[0] == told[1]
    problem = rdc.Problem(sources.Samples(normal(301, 5)), SQUARED)
    alone = ask("distortion", problem, R=1.5, solver=solvers.Particles(140, sweeps=4, backend="torch"))
    np.testing.assert_allclose([float(told[0][0]), float(told[0][1])], [alone.upper, alone.searched], rtol=1e-9)


SHARED = """
import sys, warnings
import numpy as np
import torch.distributed as dist
import rdcfunc as rdc
from rdcfunc import distortions, solvers, sources
rank, meeting = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
x = np.random.default_rng(0).standard_normal((301, 5))
warnings.simplefilter("ignore")
problem = rdc.Problem(sources.Samples(x), distortions.squared_error())
found = rdc.distortion(problem, R=1.5, solver=solvers.Particles(140, sweeps=4, backend="torch"))
print(repr(found.upper), repr(found.searched))
dist.destroy_process_group()
"""


def test_letters_do_for_their_own_samples_what_the_answer_says() -> None:
    found = ask("distortion", labelled(), R=1.2, C=0.4, tol=1e-3)
    again = found.sent.held_out(LINE, LINE_LABELS)
    assert abs(again.D - found.achieved.D) < 1e-9
    assert abs(again.C - found.achieved.C) < 1e-3
    assert again.rate >= found.rate - 1e-9


def test_samples_themselves_cost_their_entropy() -> None:
    problem = rdc.Problem(sources.Samples([[0.0, 1.0], [2.0, 0.0], [0.0, 1.0], [5.0, 5.0]]), SQUARED)
    assert abs(rdc.rate(problem, D=0.0).upper - 1.5) < 1e-9
    assert rdc.distortion(problem, R=1.6).upper < 1e-9
    assert ask("distortion", problem, R=1.4).lower > 1e-3


def test_samples_that_never_vary_cost_nothing() -> None:
    problem = rdc.Problem(sources.Samples(np.ones((4, 2))), SQUARED)
    assert rdc.rate(problem, D=0.0).upper < 1e-9
    assert rdc.distortion(problem, R=0.5).upper < 1e-9


def test_a_curve_falls() -> None:
    curve = quietly(rdc.trace, rdc.Problem(sources.Samples(LINE), SQUARED), R=[0.4, 0.8, 1.2], tol=1e-3)
    assert curve.quantity == "D"
    assert (np.diff(curve.upper) < 0).all()
    assert (curve.lower <= curve.upper).all()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: sources.Samples([[0.0, np.nan]]), "points must be finite"),
        (lambda: sources.Samples([0.0, 1.0], [1.0]), "one entry for each of the 2 points"),
        (lambda: rdc.Problem(sources.Samples(LINE), distortions.hamming(9)), "squared_error"),
        (
            lambda: rdc.Problem(
                sources.Samples(LINE), SQUARED, classification=classifications.ConditionalEntropy(LINE_LABELS)
            ),
            "tagged=True",
        ),
        (lambda: rdc.Problem(sources.Samples(LINE), SQUARED, perceptions.TotalVariation()), "W2²"),
        (lambda: rdc.rate(labelled(), D=1.0, solver=solvers.Conic()), r"solvers.Particles\(\)"),
        (
            lambda: rdc.rate(
                rdc.Problem(sources.uniform(2), distortions.hamming(2)), D=0.1, solver=solvers.Particles()
            ),
            "sources.Samples",
        ),
        (lambda: solvers.Particles(letters=0), "letters must be an integer >= 1"),
        (lambda: ask("rate", labelled(), D=1.0, solver=solvers.Particles(backend="jax")), "backend"),
        (lambda: rdc.certify(labelled(), np.eye(9), D=1.0), "fixed letters"),
        (lambda: rdc.decode(labelled(), np.eye(9)), "discrete source"),
        (lambda: ask("rate", labelled(), D=1.0).sent.held_out([[1.0, 2.0]], [0]), "k = 1 coordinates"),
    ],
)
def test_refusals(make: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()
