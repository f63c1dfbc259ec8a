"""What a fixed alphabet costs to close, against the freedom of its class posteriors: ``python -m benchmarks.regions``.

Source, distortion and labels are drawn at random, and the levels are what a random channel achieves, so that some
channel meets them. Printed as a table, a row for each size.
"""

from __future__ import annotations

import re
import warnings
from time import process_time

import numpy as np

import rdcfunc as rdc
from rdcfunc import classifications, distortions, solvers, sources
from rdcfunc.information import class_joint, conditional_entropy

#: Source letters, and reproduction letters with classes.
LETTERS = 4
SIZES = ((2, 2), (3, 2), (4, 2), (3, 3), (4, 3), (6, 3), (8, 3))


def question(seed: int, n: int, m: int, classes: int) -> tuple[rdc.Problem, float, float]:
    """Return a random problem on a fixed alphabet with levels D and C (bits) that can be met."""
    rng = np.random.default_rng([seed, n, m, classes])
    p, d = rng.dirichlet(np.full(n, 2.0)), rng.random((n, m))
    d -= d.min(axis=1, keepdims=True)
    labels = rng.dirichlet(np.full(classes, 0.5), n)
    channel = rng.dirichlet(np.full(m, 0.5), n) * np.exp(-rng.uniform(0, 10) * d) + 1e-3
    channel /= channel.sum(axis=1, keepdims=True)
    measure = classifications.ConditionalEntropy(labels)
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), classification=measure)
    C = conditional_entropy(class_joint(p, channel, labels)) / measure.unit
    return problem, float(p @ (channel * d).sum(axis=1)), C


def closed(seed: int, m: int, classes: int, tol: float) -> tuple[int, float, float]:
    """Return the regions that one bracket took, its CPU seconds and its width in bits."""
    problem, D, C = question(seed, LETTERS, m, classes)
    began = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rdc.WideBracketWarning)  # widths are printed
        answer = rdc.rate(problem, D=D, C=C, solver=solvers.BranchAndBound(), tol=tol)
    found = re.search(r"(\d+) regions", answer.origins[0])
    return int(found[1]) if found else 0, process_time() - began, answer.gap


def main(problems: int = 8, tol: float = 1e-4) -> None:
    """Print medians and extremes over some problems of each size."""
    print("| m | K | m (K - 1) | regions, median and most | CPU seconds, median and most | brackets within tol |")
    print("|---|---|---|---|---|---|")
    for m, classes in SIZES:
        regions, seconds, gaps = np.transpose([closed(seed, m, classes, tol) for seed in range(problems)])
        print(
            f"| {m} | {classes} | {m * (classes - 1)} | {np.median(regions):g}, {regions.max():g} "
            f"| {np.median(seconds):.1f}, {seconds.max():.1f} | {(gaps <= tol).sum()} of {problems} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
