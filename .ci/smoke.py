"""What an installed rdcfunc must do without its repository: answer, trace, draw, and be typed."""

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, solvers, sources

assert version("rdcfunc") == rdc.__version__, (version("rdcfunc"), rdc.__version__)
assert "site-packages" in str(Path(rdc.__file__)), rdc.__file__
assert files("rdcfunc").joinpath("py.typed").is_file()

problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
for solver in (None, solvers.Conic()):
    solution = rdc.rate(problem, D=0.1, P=0.02, solver=solver)
    assert solution.gap <= 1e-6, solution
    assert abs(solution.value - 0.417674) < 1e-6, solution
tagged = classifications.ConditionalEntropy([[1.0, 0.0], [0.7, 0.3]], tagged=True)
classes = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), classification=tagged)
assert abs(rdc.rate(classes, D=0.3, C=0.40205).value - 0.1331) < 1e-4
theta = [rdc.Target(D=0.1), rdc.Target(D=0.11, P=0.0)]
assert abs(rdc.rate_penalty(problem, theta).upper - 0.0081) < 1e-4
moved = rdc.Problem(
    sources.Discrete([0.2, 0.3, 0.5]), distortions.matrix(1 - np.eye(3)), perceptions.Wasserstein(np.ones((3, 3)))
)
assert rdc.rate(moved, D=0.2).gap <= 1e-6
gaussian = rdc.Problem(sources.Gaussian(1.0), distortions.squared_error())
assert abs(rdc.rate(gaussian, D=0.25).value - 1.0) < 1e-9
curve = rdc.trace(problem, D=np.linspace(0.0, 0.3, 5))
assert len(curve.to_frame()) == 5
