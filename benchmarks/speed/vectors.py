"""Gaussian vectors, on which a channel is no table: rdcfunc's times and gaps beside those of cvxpy.

``python -m benchmarks.speed.vectors`` prints a table for ``docs/speed.md``. cvxpy is given one short cone an axis,
and its error is that of its value: it has no bracket. Either has as many repeats.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import rdcfunc as rdc
from benchmarks.speed.peers.base import NATS_PER_BIT, Array
from rdcfunc import distortions, perceptions, sources

#: Levels, relative to the total variance; that of W2² in the second place.
_LEVELS = {"R(D)": (0.3, np.inf), "R(D, P), W₂²": (0.3, 0.02), "R(D, P), KL": (0.3, 0.02)}


def problem(question: str, variances: Array) -> tuple[rdc.Problem, float, float]:
    """Return a vector's problem and its levels; that of KL is in bits, 0.02 of them an axis."""
    D, P = (level * float(variances.sum()) for level in _LEVELS[question])
    measure: perceptions.Divergence | None = None
    if question.endswith("KL"):
        measure, P = perceptions.KL(), 0.02 * variances.size
    elif np.inf > P:
        measure = perceptions.Wasserstein()
    return rdc.Problem(sources.Gaussian(np.diag(variances)), distortions.squared_error(), measure), D, P


def cones(question: str, variances: Array, D: float, P: float, solver: str) -> float:
    """Solve by cvxpy, in what is left of each axis and the reproduction's variance in units of it; return bits."""
    import cvxpy as cp

    n, s2 = variances.size, variances
    left: Any = cp.Variable(n, pos=True)
    rate = -cp.sum(cp.log(left)) / 2
    limits = [left <= 1]
    if np.inf == P:
        limits.append(s2 @ left / D <= 1)
    else:
        ratio, cross = cp.Variable(n, pos=True), cp.Variable(n)
        # The cross term is at most the geometric mean of what is known and what is shown.
        limits.append(cp.SOC(ratio + 1 - left, cp.vstack([2 * cross, ratio - 1 + left])))
        limits.append(s2 @ (1 + ratio - 2 * cross) / D <= 1)
        if question.endswith("KL"):
            limits.append(cp.sum(ratio - 1 - cp.log(ratio)) / (2 * P * NATS_PER_BIT) <= 1)
        else:
            limits.append(s2 @ (1 + ratio - 2 * cp.sqrt(ratio)) / P <= 1)
    asked = cp.Problem(cp.Minimize(rate), limits)
    asked.solve(solver=solver)
    return float(asked.value) / NATS_PER_BIT


def timed(solve: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the least CPU seconds and the last answer."""
    least, answer = np.inf, None
    for _ in range(repeats):
        before = time.process_time()
        answer = solve()
        least = min(least, time.process_time() - before)
    return least, answer


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each question and size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.vectors", description=main.__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000], help="components")
    parser.add_argument("--repeats", type=int, default=3, help="repeats, of which the least time counts")
    parser.add_argument("--solver", default="CLARABEL", help="a solver of cvxpy")
    options = parser.parse_args(arguments)
    print(f"| question | n | rdcfunc, CPU s | gap (bits) | cvxpy, {options.solver}, CPU s | its error (bits) | ratio |")
    print("|---|---|---|---|---|---|---|")
    for question in _LEVELS:
        for n in options.sizes:
            variances = np.random.default_rng(0).gamma(0.5, size=n)
            asked, D, P = problem(question, variances)
            ours, answer = timed(lambda p=asked, D=D, P=P: rdc.rate(p, D=D, P=P), options.repeats)  # type: ignore[misc]
            try:
                cones(question, variances[:2], D, P, options.solver)  # What is loaded at first is not counted.
                theirs, value = timed(
                    lambda q=question, v=variances, D=D, P=P: cones(q, v, D, P, options.solver),  # type: ignore[misc]
                    options.repeats,
                )
            except Exception as error:
                print(f"| {question} | {n} | {ours:.2g} | {answer.gap:.0e} | {type(error).__name__} | | |")
                continue
            off = abs(value - answer.value)
            print(
                f"| {question} | {n} | {ours:.2g} | {answer.gap:.0e} | {theirs:.2g} | {off:.0e} | {theirs / ours:.0f} |"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
