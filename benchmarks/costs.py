"""How cost grows with the letters, the classes and the targets: ``python -m benchmarks.costs``.

Each row doubles one size of random problems, takes the least CPU time of some seeds and fits the exponent of the last
three sizes. Brackets are checked, so that a time is that of a certified answer.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from time import process_time
from typing import Any

import numpy as np

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, sources

Build = Callable[[int, np.random.Generator], tuple[rdc.Problem, dict[str, Any]]]


def _pmf(n: int, rng: np.random.Generator) -> sources.Discrete:
    return sources.Discrete(rng.dirichlet(np.full(n, 3.0)))


def _table(n: int, m: int, rng: np.random.Generator) -> distortions.Distortion:
    costs = rng.uniform(0.2, 1.0, (n, m))
    costs[np.arange(n), np.arange(n) % m] = 0.0
    return distortions.matrix(costs)


def _plain(n: int, rng: np.random.Generator) -> tuple[rdc.Problem, dict[str, Any]]:
    return rdc.Problem(_pmf(n, rng), _table(n, n, rng)), {"D": 0.1}


def _letters(m: int, rng: np.random.Generator) -> tuple[rdc.Problem, dict[str, Any]]:
    return rdc.Problem(_pmf(200, rng), _table(200, m, rng)), {"D": 0.25}


def _seen(n: int, rng: np.random.Generator) -> tuple[rdc.Problem, dict[str, Any]]:
    return rdc.Problem(_pmf(n, rng), distortions.hamming(n), perceptions.TotalVariation()), {"D": 0.4, "P": 0.05}


def _transported(n: int, rng: np.random.Generator) -> tuple[rdc.Problem, dict[str, Any]]:
    x = np.linspace(-3, 3, n)
    measure = perceptions.Wasserstein(np.subtract.outer(x, x) ** 2)
    return rdc.Problem(sources.discretise(sources.Gaussian(1.0), x), distortions.squared_error(x), measure), {
        "D": 0.5,
        "P": 0.05,
    }


def _grid(n: int, rng: np.random.Generator) -> tuple[rdc.Problem, dict[str, Any]]:
    x = np.linspace(-5, 5, n)
    return rdc.Problem(sources.discretise(sources.Gaussian(1.0), x), distortions.squared_error(x)), {"D": 0.1}


def _classes(K: int, rng: np.random.Generator) -> tuple[rdc.Problem, dict[str, Any]]:
    n = 64
    measure = classifications.ConditionalEntropy(np.arange(n) % K, tagged=True)
    return rdc.Problem(_pmf(n, rng), _table(n, n, rng), classification=measure), {"D": 0.3, "C": 0.5 * np.log2(K)}


#: Name, what grows, its sizes, and the problem of a size.
ROWS: tuple[tuple[str, str, tuple[int, ...], Build], ...] = (
    ("R(D), a table", "n = m", (128, 256, 512, 1024), _plain),
    ("R(D), a table, n = 200", "m", (256, 512, 1024, 2048), _letters),
    ("R(D), squared error on a grid", "n", (4096, 8192, 16384, 32768), _grid),
    ("R(D, P), total variation", "n = m", (64, 128, 256, 512), _seen),
    ("R(D, P), W2² on a grid", "n = m", (16, 32, 64, 128), _transported),
    ("R(D, C), tagged, deterministic, n = 64", "K", (2, 4, 8, 16), _classes),
)


def seconds(work: Callable[[], rdc.Solution], tol: float) -> float:
    """Return the CPU time of an answer, which has to be certified."""
    start = process_time()
    found = work()
    spent = process_time() - start
    if found.gap > tol:
        raise RuntimeError(f"the bracket is {found.gap:.2g} wide, more than {tol:.2g}")
    return spent


def exponent(sizes: tuple[int, ...], times: list[float]) -> float:
    """Return the slope of the logarithm of time over the last three sizes.

    >>> round(exponent((1, 2, 4), [1.0, 4.0, 16.0]), 9)
    2.0
    """
    return float(np.polyfit(np.log(sizes[-3:]), np.log(times[-3:]), 1)[0])


def measure(seeds: int, tol: float = 1e-6) -> Iterator[tuple[str, str, tuple[int, ...], list[float]]]:
    """Yield each row with its times."""
    for name, grows, sizes, build in ROWS:
        times = []
        for size in sizes:
            made = [build(size, np.random.default_rng(seed)) for seed in range(seeds)]
            times.append(min(seconds(partial(rdc.rate, p, **at, tol=tol), tol) for p, at in made))
        yield name, grows, sizes, times
    sizes = (1, 2, 3, 4)
    yield "R(Θ), D and total variation, n = m = 6", "targets", sizes, [_universal(count, seeds, tol) for count in sizes]


def _universal(count: int, seeds: int, tol: float) -> float:
    """Return the least CPU time of the universal rate of some targets."""
    rng = np.random.default_rng(0)
    problem = rdc.Problem(_pmf(6, rng), distortions.hamming(6), perceptions.TotalVariation())
    theta = [rdc.Target(D=0.2 + 0.05 * k, P=0.15 / (k + 1)) for k in range(count)]
    return min(seconds(partial(rdc.universal_rate, problem, theta, tol=tol), tol) for _ in range(seeds))


def startup(statement: str) -> float:
    """Return the least CPU time of five new interpreters that import rdcfunc and run a statement."""
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", f"import rdcfunc; {statement}"], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def main(arguments: list[str] | None = None) -> int:
    """Print the table of times and exponents, for Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs", description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="problems of each size, of which the quickest counts")
    options = parser.parse_args(arguments)
    answer = "rdcfunc.rate(rdcfunc.Problem(rdcfunc.sources.uniform(4), rdcfunc.distortions.hamming(4)), D=0.1)"
    print(f"import: {startup('pass'):.2f} CPU s; import and a first answer: {startup(answer):.2f} CPU s\n", flush=True)
    rdc.rate(*_plain(8, np.random.default_rng(0))[:1], D=0.1)  # loads what is loaded once
    print("| answer | grows | sizes | CPU seconds | exponent |\n|---|---|---|---|---|", flush=True)
    for name, grows, sizes, times in measure(options.seeds):
        shown = ", ".join(f"{t:.2g}" for t in times)
        print(
            f"| {name} | {grows} | {', '.join(map(str, sizes))} | {shown} | {exponent(sizes, times):.1f} |", flush=True
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
