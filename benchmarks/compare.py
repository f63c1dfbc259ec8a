"""The main job: ``python -m benchmarks compare`` sets theory beside trained networks on real handwritten digits."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from io import BytesIO
from math import log2
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.theory import Bound

# Networks and matrices of this size are slower on several threads; said before anything loads a BLAS.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

_DATA = "digits, embedded, or mnist: its bounds and best codecs, in hours, shown by python -m benchmarks report"
#: Latents and levels of the codecs whose rates can be asked for.
_SIZES = ((1, 4), (1, 9), (2, 3), (3, 3), (3, 4), (4, 4), (5, 4))
#: Workers leave an interruption to the main process.
_QUIET = (signal.SIGINT, signal.SIG_IGN)


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison, write figure, table and page, and return the exit code."""
    from benchmarks import store

    options = _parser().parse_args(arguments)
    if options.data == "mnist":
        return _mnist(options.seeds)
    try:
        for size in options.rates:
            store.check_folder(_folder(options, size))
    except OSError as error:
        print(f"cannot write results to {options.out}: {error}", file=sys.stderr)
        return 2
    import torch

    torch.set_num_threads(1)
    jobs = [Comparison(_folder(options, size), options.seeds, size) for size in options.rates]
    try:
        for job in jobs:
            with job:
                job.run()
    except KeyboardInterrupt:
        print("\ninterrupted: what was finished is kept, and the same command goes on from there", file=sys.stderr)
        return 130
    finally:
        if len(jobs) > 1:
            _across(options.out, jobs)
    return 0


def _folder(options: argparse.Namespace, size: tuple[int, int]) -> Path:
    """Return where the results of one rate go: a folder of their own if there are several."""
    out: Path = options.out
    return out if len(options.rates) == 1 else out / f"rate-{bits(size):.4g}"


def _across(out: Path, jobs: list[Comparison]) -> None:
    """Draw the comparisons of all rates that have begun side by side."""
    from benchmarks import figures, store

    done = {job.study.base.rate: (frame, job.bound()) for job in jobs if len(frame := job.frame())}
    if not done:
        return
    figure = figures.across(done)
    store.write(out / "rates.svg", lambda file: figure.savefig(file, format="svg"))
    print(f"wrote {out}/rates.svg")


class Comparison:
    """One comparison and what it has finished so far; figure, table and page are written when it is left."""

    def __init__(self, out: Path, seeds: int, size: tuple[int, int]) -> None:
        from benchmarks import networks, store

        self.out, self.start = out, perf_counter()
        self.study = networks.quick(seeds, *size)
        self.made = store.provenance()
        self.rows = store.Rows(out / "measurements.jsonl")
        # A bound belongs to the code that computed it.
        self.bound_path = out / f"theory-{self.made['commit']}.npz"
        self.rates: list[tuple[float, float]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.write()

    def run(self) -> None:
        """Train and measure every codec, compute the theory beside it, then the theory's rate for each codec."""
        from tqdm.auto import tqdm

        from benchmarks import networks, summary, theory

        codecs = len(self.study.plan())
        print(f"{codecs} codecs at {self.study.base.rate:.3f} bits and the theory's curve; results go to {self.out}/")
        with self._theory():
            list(tqdm(networks.measure(self.study, self.rows), total=codecs, desc="codecs", unit="codec"))
            print("waiting for the theory's curve" if not self.bound_path.exists() else "the theory's curve is there")
        letters, targets = theory.read(self.bound_path).letters, summary.targets(self.frame())
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), signal.signal, _QUIET) as pool:
            found = pool.map(partial(theory.rate, self.study.base, letters), targets)
            self.rates = list(tqdm(found, total=len(targets), desc="theory's rate", unit="codec"))

    @contextmanager
    def _theory(self) -> Iterator[None]:
        """Compute the theory's curve on another core meanwhile, unless it is there already."""
        from benchmarks import theory

        if self.bound_path.exists():
            yield
            return
        process = get_context("spawn").Process(
            target=theory.save_bound, args=(self.study.base, self.bound_path), daemon=True
        )
        process.start()
        try:
            yield
            process.join()
        finally:
            process.terminate()
        if process.exitcode:
            raise RuntimeError(f"the theory's process ended with exit code {process.exitcode}; its message is above")

    def frame(self) -> pd.DataFrame:
        """Return the table of what is measured so far."""
        from benchmarks import networks, summary

        return summary.table(networks.of_study(self.study, self.rows))

    def bound(self) -> Bound | None:
        """Return the theory's curve if it is there."""
        from benchmarks import theory

        return theory.read(self.bound_path) if self.bound_path.exists() else None

    def write(self) -> None:
        """Write the figure, the table and the page of what is there."""
        from benchmarks import figures, page, store, summary

        bound = self.bound()
        frame = self.frame()
        if frame.empty:
            return
        complete = bound is not None and len(self.rates) == len(frame)
        if bound is not None and complete:
            frame = summary.beside(frame, bound, self.rates)
        figure = figures.compare(frame, bound)
        png = BytesIO()
        figure.savefig(png, format="png", dpi=160)
        store.write(self.out / "comparison.png", lambda file: file.write(png.getvalue()))
        store.write(self.out / "comparison.svg", lambda file: figure.savefig(file, format="svg"))
        store.write(self.out / "comparison.csv", lambda file: frame.to_csv(file, index=False))
        seconds = perf_counter() - self.start
        text = page.page(frame, bound, png.getvalue(), self.made, seconds, complete)
        store.write(self.out / "comparison.html", lambda file: file.write(text.encode()))
        print(f"wrote {self.out}/comparison.png, .svg, .csv and .html after {seconds:.0f} s")


def _mnist(seeds: int) -> int:
    """Compute MNIST's bounds and measure the best codecs on it: hours, of which finished rows are kept."""
    from benchmarks import best, mnist

    return mnist.main([]) or best.main(["--seeds", str(seeds)])


def bits(size: tuple[int, int]) -> float:
    """Return the nominal rate ``d log2 L`` of d latents with L levels."""
    return size[0] * log2(size[1])


def _rates(text: str) -> list[tuple[int, int]]:
    """Return latents and levels for a list of rates."""
    found = []
    for word in text.split(","):
        with suppress(ValueError):
            found += [size for size in _SIZES if abs(bits(size) - float(word)) < 0.01]
    if len(found) != len(text.split(",")) or len(set(found)) < len(found):
        known = ", ".join(f"{bits(size):.4g}" for size in sorted(_SIZES, key=bits))
        raise argparse.ArgumentTypeError(f"must be different ones of {known} with commas between (got {text})")
    return found


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number >= 1 (got {text})")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for the results (default: results)")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--seeds", type=_count, default=3, help="repetitions of every codec (default: 3)")
    size.add_argument("--quick", dest="seeds", action="store_const", const=1, help="one repetition")
    size.add_argument("--full", dest="seeds", action="store_const", const=10, help="ten repetitions")
    parser.add_argument("--data", choices=["digits", "mnist"], default="digits", help=_DATA)
    rates = "bits of the codecs, such as 4.755,6,8 (default: 4.755); several have a folder each and a figure of all"
    parser.add_argument("--rates", type=_rates, default=[(3, 3)], help=rates)
    return parser
