"""Same question, same bytes: in any order, in any thread, in any process; and nobody's generator is touched."""

import hashlib
import os
import random
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from parts import random_parts
from problems import nonconvex_problem

import rdcfunc as rdc
from rdcfunc import distortions, perceptions, solvers, sources


def questions() -> dict[str, Callable[[], rdc.Solution]]:
    """Return one question for each solver."""
    p, d = random_parts(51, 4, 4)[0], 1 - np.eye(4) + np.tri(4, k=-1)
    plain = rdc.Problem(sources.Discrete(p), distortions.matrix(d))
    seen = rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.KL())
    line = rdc.Problem(sources.uniform(64), distortions.squared_error(np.linspace(0, 1, 64)))
    gaussian = rdc.Problem(
        sources.Gaussian(np.diag([1.0, 0.5])), distortions.squared_error(), perceptions.Wasserstein()
    )
    fixed, tagged = nonconvex_problem(False), nonconvex_problem(True)
    return {
        "interior point": lambda: rdc.rate(seen, 0.1, 0.05),
        "conic": lambda: rdc.rate(seen, 0.1, 0.05, solver=solvers.Conic()),
        "Blahut-Arimoto": lambda: rdc.rate(plain, 0.2, solver=solvers.BlahutArimoto(sweeps=300), tol=1e-2),
        "grid": lambda: rdc.rate(line, 0.01),
        "closed form": lambda: rdc.rate(rdc.Problem(sources.Discrete(p), distortions.hamming(4)), 0.1),
        "column generation": lambda: rdc.rate(tagged, 0.3, C=0.4, tol=1e-4),
        "alternation": lambda: rdc.rate(tagged, 0.3, C=0.4, solver=solvers.Alternation(starts=2, seed=1), tol=0.1),
        "branch and bound": lambda: rdc.rate(fixed, 0.3, C=0.4, tol=1e-3),
        "tuples": lambda: rdc.universal_rate(seen, [rdc.Target(0.1), rdc.Target(0.2, 0.0)], tol=1e-4),
        "decode": lambda: rdc.decode(seen, 0.7 * np.eye(4) + 0.075, P=0.01),
        "distortion": lambda: rdc.distortion(plain, 0.5),
        "Gaussian": lambda: rdc.rate(gaussian, 0.5, 0.1),
    }


def digest(answer: rdc.Solution) -> str:
    """Return a fingerprint of all numbers of an answer."""
    numbers = [answer.lower, answer.upper, answer.rate, *np.ravel(answer.output)]
    return hashlib.sha256(np.array(numbers).tobytes()).hexdigest()[:16]


def digests() -> dict[str, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rdc.WideBracketWarning)
        return {name: digest(ask()) for name, ask in questions().items()}


def test_threads_and_order_do_not_matter_and_no_generator_is_touched() -> None:
    np.random.seed(7)  # noqa: NPY002 - the global generator is what must not matter
    random.seed(7)
    before = [np.random.get_state()[1].tobytes(), random.getstate()]  # type: ignore[union-attr] # noqa: NPY002
    alone = digests()
    assert [np.random.get_state()[1].tobytes(), random.getstate()] == before  # type: ignore[union-attr] # noqa: NPY002
    asked = [*questions().items()]
    with warnings.catch_warnings(), ThreadPoolExecutor(4) as threads:
        warnings.simplefilter("ignore", rdc.WideBracketWarning)
        twice = [*asked[::-1], *asked]
        found = threads.map(lambda item: (item[0], digest(item[1]())), twice)
        assert all(alone[name] == told for name, told in found)


def test_a_wide_bracket_is_said_whatever_other_threads_silence() -> None:
    """Conic solvers run with warnings off, which Python keeps for all threads at once."""
    ask = questions()
    with warnings.catch_warnings(record=True) as caught, ThreadPoolExecutor(2) as threads:
        warnings.simplefilter("always")
        others = [threads.submit(ask["conic"]) for _ in range(6)]
        for _ in range(6):
            wide()
        for other in others:
            other.result()
    assert sum(issubclass(w.category, rdc.WideBracketWarning) for w in caught) == 6


def wide() -> rdc.Solution:
    problem = rdc.Problem(sources.Discrete([0.2, 0.3, 0.5]), distortions.matrix(1 - np.eye(3)))
    return rdc.certify(problem, np.eye(3), D=0.1)


def test_another_process_finds_the_same_bytes() -> None:
    code = "import test_determinism as t; print(sorted(t.digests().items()))"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    other = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "12345", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == str(sorted(digests().items()))
