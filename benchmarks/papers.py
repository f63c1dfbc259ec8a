"""The figures of the papers, from the theory alone: ``python -m benchmarks figures``.

Each is drawn from curves that are kept under ``results/figures``, one file a curve and commit, so that an interrupted
run goes on where it stopped and a figure can be drawn again without computing anything.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import matplotlib as mpl  # noqa: E402 - BLAS reads the variables above when it is loaded
import numpy as np  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

import rdcfunc as rdc  # noqa: E402
from benchmarks.store import check_folder, provenance  # noqa: E402
from rdcfunc import classifications, distortions, perceptions, plotting, sources  # noqa: E402

#: A curve by its name: kept from an earlier run, or computed.
Keep = Callable[[str, Callable[[], rdc.Curve]], rdc.Curve]
_LABELS = [[1.0, 0.0], [0.7, 0.3]]


def _coin(perception: perceptions.Divergence | None = None, tagged: bool | None = None) -> rdc.Problem:
    """Return a coin with Hamming distortion, and a label that heads leave in doubt."""
    classes = None if tagged is None else classifications.ConditionalEntropy(_LABELS, tagged=tagged)
    return rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perception, classes)


def perception_surface(keep: Keep) -> Axes:
    """Draw R(D, P) of a coin."""
    problem, P = _coin(perceptions.TotalVariation()), np.linspace(0, 0.3, 13)[:, None]
    return plotting.plot_surface(keep("rdp", lambda: rdc.trace(problem, D=np.linspace(0.01, 0.4, 27), P=P)))


def classification_surface(keep: Keep) -> Axes:
    """Draw R(D, C) of a coin, with tags."""
    problem, C = _coin(tagged=True), np.linspace(0.27, 0.43, 9)[:, None]
    return plotting.plot_surface(keep("rdc", lambda: rdc.trace(problem, D=np.linspace(0.02, 0.3, 15), C=C)))


def classification_at_rates(keep: Keep) -> Axes:
    """Draw C(R, D) of a coin at several rates, with tags."""
    problem, R = _coin(tagged=True), np.array([0.1, 0.2, 0.4, 0.6])[:, None]
    return keep("cdr", lambda: rdc.trace(problem, R=R, D=np.linspace(0.02, 0.3, 15), minimise="C")).plot()


def perception_at_rates(keep: Keep) -> Axes:
    """Draw P(R, D) of a coin at several rates."""
    problem, R = _coin(perceptions.TotalVariation()), np.array([0.05, 0.1, 0.2, 0.4])[:, None]
    return keep("pdr", lambda: rdc.trace(problem, R=R, D=np.linspace(0.08, 0.32, 81), minimise="P")).plot()


def gaussian(keep: Keep) -> Axes:
    """Draw D(R, P) of a Gaussian number at levels of W2²."""
    problem = rdc.Problem(sources.Gaussian(1.0), distortions.squared_error(), perceptions.Wasserstein())
    P = np.array([0.0, 0.02, 0.1, np.inf])[:, None]
    return keep("gaussian", lambda: rdc.trace(problem, R=np.linspace(0.05, 3, 60), P=P)).plot()


def counterexample(keep: Keep) -> Axes:
    """Draw R(0.3, C) of a coin on the alphabet as it is and with tags: the former is not convex."""
    C, axes = np.linspace(0.36764, 0.43647, 9), None
    for tagged, name, hue in ((False, "letter alone", 0), (True, "letter and tag", 2)):
        problem = _coin(tagged=tagged)
        curve = keep(f"counterexample-{name.split()[-1]}", partial(rdc.trace, problem, D=0.3, C=C, tol=1e-3))
        axes = curve.plot(axes, label=name, color=plotting.COLORS[hue])
    assert axes is not None
    return axes


def universal(keep: Keep) -> Axes:
    """Draw the rate of one encoder for the least distortion at R and for perfect realism at R, against R."""
    problem, R = _coin(perceptions.TotalVariation()), np.linspace(0.05, 0.7, 14)

    def both(alone: rdc.Curve) -> tuple[list[float], list[float]]:
        pairs = zip(*alone.upper, strict=True)
        found = [rdc.universal_rate(problem, [rdc.Target(D=d), rdc.Target(D=r, P=0.0)]) for d, r in pairs]
        return [s.lower for s in found], [s.upper for s in found]

    lower, upper = both(keep("universal", lambda: rdc.trace(problem, R=R, P=[[np.inf], [0.0]], tol=1e-7)))
    ax = mpl.pyplot.subplots()[1]
    ax.fill_between(R, lower, upper, color=plotting.COLORS[0], alpha=0.25, lw=0)
    ax.plot(R, upper, color=plotting.COLORS[0], label="one encoder")
    ax.plot(R, R, "--", color=plotting.COLORS[1], label="each alone")
    ax.set(xlabel="rate $R$ of each target alone (bits)", ylabel="rate for both (bits)")
    return plotting.label_lines(ax)


FIGURES: dict[str, Callable[[Keep], Axes]] = {
    function.__name__: function
    for function in (
        perception_surface,
        classification_surface,
        classification_at_rates,
        perception_at_rates,
        gaussian,
        counterexample,
        universal,
    )
}


def draw(names: Sequence[str], out: Path) -> None:
    """Draw some figures, as SVG and PNG, each as soon as its curves are there."""
    from tqdm.auto import tqdm

    commit = provenance()["commit"]

    def keep(name: str, make: Callable[[], rdc.Curve]) -> rdc.Curve:
        path = out / f"{name}-{commit}.json"
        if not path.exists():
            make().to_json(path)
        curve = rdc.load(path)
        assert isinstance(curve, rdc.Curve)
        return curve

    for name in tqdm(names, desc="figures", unit="figure"):
        with plotting.style():
            ax = FIGURES[name](keep)
            for suffix in (".svg", ".png"):
                plotting.save(ax, out / f"{name}{suffix}")
            mpl.pyplot.close()


def main(arguments: list[str] | None = None) -> int:
    """Draw the figures of the papers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks figures", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("results/figures"), help="folder (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=list(FIGURES), help="some of them")
    options = parser.parse_args(arguments)
    mpl.use("agg")
    try:
        check_folder(options.out)
        draw(options.only, options.out)
    except OSError as error:
        print(f"cannot write figures to {options.out}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted: what was finished is kept, and the same command goes on from there", file=sys.stderr)
        return 130
    return 0
