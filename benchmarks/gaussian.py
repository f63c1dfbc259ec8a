"""A figure: what a grid adds to the rates of a Gaussian source, against its step.

``python -m benchmarks.gaussian`` writes ``results/gaussian/grid.png``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import rdcfunc as rdc
from benchmarks import store
from rdcfunc import distortions, perceptions, sources

#: Half the width of the grids, in deviations, and the level of distortion.
_REACH, _D = 8.0, 0.5
#: What is asked, its perception and level.
_QUESTIONS: dict[str, tuple[perceptions.Divergence | None, float]] = {
    "R(D)": (None, np.inf),
    "R(D, P), KL": (perceptions.KL(), 0.02),
}


def error(question: str, step: float) -> tuple[float, float]:
    """Return bounds on what a grid of this step adds to the rate, in bits."""
    measure, P = _QUESTIONS[question]
    normal = sources.Gaussian(1.0)
    truth = rdc.rate(rdc.Problem(normal, distortions.squared_error(), measure), D=_D, P=P)
    x = np.arange(-round(_REACH / step), round(_REACH / step) + 1) * step
    grid = rdc.Problem(sources.discretise(normal, x), distortions.squared_error(x), measure)
    found = rdc.rate(grid, D=_D, P=P, tol=1e-8)
    return found.lower - truth.upper, found.upper - truth.lower


def draw(steps: list[float]) -> Figure:
    """Draw the errors against the step, with the second order that is expected of rounding."""
    figure = Figure(figsize=(5.2, 3.8), layout="constrained")
    ax = figure.subplots()
    for question, marker in zip(_QUESTIONS, "os", strict=True):
        bounds = np.array([error(question, step) for step in steps])
        ax.loglog(steps, bounds.mean(axis=1), marker, label=question)
    fine = np.geomspace(min(steps), max(steps))
    ax.loglog(fine, fine**2 / 24 / np.log(2), "k-", lw=0.8, label="$h^2 / (24 \\ln 2)$")
    ax.set_xticks(steps, [f"{step:g}" for step in steps])
    ax.minorticks_off()
    ax.set(xlabel="step $h$, in deviations", ylabel="added to the rate (bits)")
    ax.set_title(f"N(0, 1) on a grid, D = {_D:g}")
    ax.legend(frameon=False)
    return figure


def main(arguments: list[str] | None = None) -> int:
    """Write the figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gaussian", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("results/gaussian"), help="where to write")
    parser.add_argument("--steps", type=float, nargs="+", default=[0.8, 0.4, 0.2, 0.1, 0.05], help="of the grids")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    store.write(options.out / "grid.png", lambda file: draw(options.steps).savefig(file, dpi=150))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
