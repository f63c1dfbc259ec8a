"""Bounds for a data set itself: ``python -m benchmarks.mnist`` computes D(R), D(R, C) and D(R, P) of MNIST's images.

The empirical law of the training images is the source and any images may reproduce them. Rows are finished one by one
and kept: an interrupted run goes on where it stopped. With --small the embedded digits are taken, in seconds.
Rows of the kind "lower" are proved for all images, one pass over their pairs each; --lower computes only those.
Rows of the kind "words" are codes of one word an image, whose index is entropy-coded.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from math import inf, log
from pathlib import Path
from time import process_time
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 - BLAS reads the variables above when it is loaded

import rdcfunc as rdc  # noqa: E402
from benchmarks.store import Rows, check_folder, provenance  # noqa: E402
from rdcfunc import classifications, distortions, perceptions, solvers, sources  # noqa: E402
from rdcfunc.empirical.perfect import perfect, products  # noqa: E402
from rdcfunc.passes.choice import machine  # noqa: E402

Rates = dict[float, tuple[int, tuple[float, ...]]]

#: Where the stored rows are.
STORED = Path(__file__).parent / "results" / "mnist-bounds.jsonl"
#: Rates in bits, in the order of their worth, each with its number of letters and its levels of H(S|X̂) in bits.
RATES: Rates = {
    4.755: (1024, (0.8, 0.4, 0.1, 0.02)),
    6.0: (1024, (0.4, 0.05)),
    3.17: (512, (1.2, 0.6, 0.3)),
    2.0: (512, (1.7, 1.45)),
    8.0: (2048, (0.1,)),
    10.0: (2048, (0.05,)),
}
_SMALL: Rates = {2.0: (64, (1.5,)), 3.17: (64, (0.3,))}
#: Letters up to which a rate comes first.
_FEW = 1024
#: Most bits at which words are fitted.
_CODED = 5.0
#: What is said of the size of the stored computation.
_SIZE = "at the size that two CPU cores allow in 30 minutes"


@dataclass(frozen=True, eq=False)
class Images:
    """Training images with labels, and test images of the same kind, in [0, 1]."""

    name: str
    train: np.ndarray
    labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray

    @property
    def pixels(self) -> int:
        """The number of pixels of an image."""
        return self.train.shape[1]


def images(small: bool, folder: str) -> Images:
    """Return MNIST from its four idx files, or the embedded digits."""
    from neural import Config, Data, load

    data = load(Config(data=Data.DIGITS if small else Data.MNIST, data_dir=folder))
    parts = []
    for part in (data.train, data.test):
        parts += [part.images.numpy().astype(np.float64), part.labels.numpy()]
    return Images("digits" if small else "mnist", *parts)


def plan(rates: Rates) -> list[tuple[str, float, float]]:
    """Return kind, rate and level of every row, in the order of their worth."""
    few = [R for R, (letters, _) in rates.items() if letters <= _FEW]
    many = [R for R in rates if R not in few]
    curves = [[("DC", R, C) for R in group for C in rates[R][1]] for group in (few, many)]
    functions = [[("D", R, inf) for R in group] for group in (few, many)]
    perception = [("DP", R, 0.0) for R in (*few, *many)]
    return [*functions[0], *perception[:1], *curves[0], *functions[1], *curves[1], *perception[1:]]


def proofs(rates: Rates) -> list[tuple[float, float]]:
    """Return rate and level of every proved lower bound; those at level inf take ten times the work of the others."""
    free = [(R, inf) for R in rates]
    return [*free[:1], *((R, C) for R, (_, levels) in rates.items() for C in levels), *free[1:]]


def prove(given: Images, rates: Rates, rows: Rows) -> Iterator[str]:
    """Compute the lower bounds that are missing, and yield what each is.

    The price and the value of the dual bound every rate: ``R + C + 2 s D >= dual``, without C where no class counts.
    """
    points, n = given.train - given.train.mean(axis=0), len(given.train)
    pmf, everything = np.full(n, 1 / n), [np.arange(n)]
    classes = [np.flatnonzero(given.labels == c) for c in np.unique(given.labels)]
    for R, C in proofs(rates):
        if any((r["kind"], r["R"], r["level"]) == ("lower", R, _finite(C)) for r in rows.rows):
            continue
        groups = everything if inf == C else classes
        nats, began = (R if inf == C else R + C) * log(2), process_time()
        work = products(groups, given.pixels)
        spread = float(pmf @ (points**2).sum(axis=1))

        def bound(dual: float, s: float, nats: float = nats) -> float:
            return (dual - nats) / (2 * s)

        found = perfect(points, pmf, groups, bound, nats / spread, machine(work))
        lower, seconds = max(0.0, bound(found.dual, found.s)) * (1 - 1e-14) / given.pixels, process_time() - began
        row = {"kind": "lower", "R": R, "level": _finite(C), "lower": lower, "dual": found.dual, "price": found.s}
        rows.append({"data": given.name, **row, "images": n, "seconds": round(seconds, 1), "made": provenance()})
        yield f"proved at R = {R}, level {C}: D >= {lower:.5f} after {seconds:.0f} s"


def compute(given: Images, rates: Rates, rows: Rows, size: str) -> Iterator[str]:
    """Compute the rows that are missing, and yield what each is."""
    measures = perceptions.Wasserstein(), classifications.ConditionalEntropy(given.labels, tagged=True)
    source, d = sources.Samples(given.train), distortions.squared_error()
    classes = rdc.Problem(source, d, classification=measures[1])
    looks = rdc.Problem(source, d, measures[0])
    starts: dict[float, rdc.Solution] = {}
    for kind, R, level in plan(rates):
        if any((r["kind"], r["R"], r["level"]) == (kind, R, _finite(level)) for r in rows.rows):
            continue
        letters = rates[R][0]
        solver = solvers.Particles(letters=letters, sweeps=20, searches=3 if kind == "D" else 0)
        began = process_time()
        problem, asked = (looks, {"P": level}) if kind == "DP" else (classes, {"C": level})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rdc.WideBracketWarning)  # the row says how wide it is
            found = rdc.distortion(problem, R, **asked, solver=solver, start=starts.get(R))
        if kind != "DP":
            starts[R] = found
        seconds = process_time() - began
        row = {"kind": kind, "R": R, "level": _finite(level), **_told(given, found, R, kind)}
        made = {"letters": letters, "images": len(given.train), "seconds": round(seconds, 1), "size": size}
        rows.append({"data": given.name, **row, **made, "solver": repr(solver), "made": provenance()})
        yield f"{kind} at R = {R}, level {level}: D = {row['D']:.5f} after {seconds:.0f} s"


def code(given: Images, rates: Rates, rows: Rows) -> Iterator[str]:
    """Fit the codes of one word an image that are missing, and yield what each is.

    An index of at most R bits of entropy may name more than 2^R words, of which some are rare: twice as many are begun
    with.
    """
    points = given.train.astype(np.float32)
    for R in rates:
        if R > _CODED or any((r["kind"], r["R"]) == ("words", R) for r in rows.rows):
            continue
        began, letters = process_time(), 2 * int(2**R)
        found = rdc.vector_quantiser(points, letters, labels=given.labels, R=R, restarts=2)
        train, test = found.training, found.measure(given.test, given.test_labels)
        row = {"kind": "words", "R": R, "level": None, "D": train.distortion / given.pixels, "rate": train.entropy}
        row |= {"C": train.equivocation, "searched": None, "letters": len(found.words), "images": len(points)}
        row |= {"test_D": test.distortion / given.pixels, "test_rate": test.entropy, "test_C": test.equivocation}
        seconds = process_time() - began
        rows.append({"data": given.name, **row, "seconds": round(seconds, 1), "made": provenance()})
        yield f"words at R = {R}: D = {row['D']:.5f} after {seconds:.0f} s"


def _told(given: Images, found: rdc.Solution, R: float, kind: str) -> dict[str, Any]:
    """Return what a solution achieves, per pixel and in bits, and what its letters do for the test images."""
    from rdcfunc.passes.channel import PointChannel

    assert isinstance(found.sent, PointChannel)
    assert isinstance(found.achieved, rdc.Target)
    k = given.pixels
    row: dict[str, Any] = {
        "D": found.upper / k,
        "lower": found.lower / k,
        "searched": None if found.searched is None else found.searched / k,
        "status": found.status.name,
        "rate": found.rate,
        "C": _finite(found.achieved.C),
        "P": None if kind != "DP" else found.achieved.P / k,
        "price": found.prices.distortion * k if isinstance(found.prices, rdc.Prices) else None,
        "effective_letters": float(np.exp2(-(found.output @ np.log2(np.maximum(found.output, 1e-300))))),
        "steps": found.steps,
    }
    if kind == "DP":
        row["estimate_D"] = found.sent.held_out(given.train).D / k
    else:
        test = found.sent.held_out(given.test, given.test_labels, R)
        row |= {"test_D": test.D / k, "test_rate": test.rate, "test_C": _finite(test.C)}
    return row


def _finite(level: float) -> float | None:
    return None if level == inf else float(level)


def main(arguments: list[str] | None = None) -> int:
    """Compute the missing rows and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mnist", description=__doc__)
    parser.add_argument("--out", type=Path, default=STORED, help=f"file of rows (default: {STORED})")
    parser.add_argument("--data-dir", default="data", help="folder that holds MNIST/raw (default: data)")
    parser.add_argument("--lower", action="store_true", help="proved lower bounds alone")
    parser.add_argument("--small", action="store_true", help="the embedded digits, in seconds")
    options = parser.parse_args(arguments)
    try:
        check_folder(options.out.parent)
    except OSError as error:
        print(f"cannot write rows to {options.out}: {error}", file=sys.stderr)
        return 2
    provenance()  # the commit that is run is the one that stands now
    given = images(options.small, options.data_dir)
    size = "the embedded digits" if options.small else _SIZE
    rates, rows = _SMALL if options.small else RATES, Rows(options.out)
    try:
        for line in chain(
            *(() if options.lower else (compute(given, rates, rows, size), code(given, rates, rows))),
            prove(given, rates, rows),
        ):
            print(line, flush=True)
    except KeyboardInterrupt:
        print("\ninterrupted: finished rows are kept, and the same command goes on from there", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
