"""What comes from other libraries, and what goes to disk and back."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from brackets import assert_equal
from problems import COIN, nonconvex_problem
from scipy import stats

import rdcfunc as rdc
from rdcfunc import classifications, distortions, solvers, sources

GRID = np.linspace(-3, 3, 9)
LABELS = classifications.ConditionalEntropy(classifications.LinearLabel(1.0, 0.1))
GAUSS = rdc.Problem(sources.Gaussian(1.0), distortions.squared_error(), classification=LABELS)

ANSWERS = {
    "channel": lambda: rdc.rate(COIN, D=0.1, P=0.02),
    "structure": lambda: rdc.rate(rdc.Problem(sources.uniform(9), distortions.squared_error(GRID)), D=0.3),
    "tags": lambda: rdc.rate(nonconvex_problem(True), D=0.3, C=0.40205),
    "a seed of NumPy": lambda: rdc.rate(
        nonconvex_problem(True), D=0.3, C=0.42, solver=solvers.Alternation(1, seed=np.int64(3)), tol=0.1
    ),
    "tuples": lambda: rdc.universal_rate(COIN, [rdc.Target(D=0.1), rdc.Target(D=0.11, P=0.0)]),
    "decoder": lambda: rdc.decode(COIN, [[0.9, 0.1], [0.2, 0.8]], P=0.0),
    "samples": lambda: rdc.rate(rdc.Problem(sources.Samples([0.0, 0.5, 2.0, 3.0]), distortions.squared_error()), D=0.2),
    "Gaussian": lambda: rdc.rate(GAUSS, D=0.2),
}


@pytest.mark.parametrize("ask", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_comes_back_to_the_last_bit(ask: Any, tmp_path: Path) -> None:
    solution = ask()
    solution.to_json(tmp_path / "answer.json")
    back = rdc.load(tmp_path / "answer.json")
    assert_equal(solution, back)
    assert [path.name for path in tmp_path.iterdir()] == ["answer.json"]
    json.loads((tmp_path / "answer.json").read_text(), parse_constant=pytest.fail)


def test_a_surface_comes_back_with_what_is_out_of_reach(tmp_path: Path) -> None:
    barred = rdc.Problem(COIN.source, distortions.matrix([[0.2, 1.0], [1.0, 0.2]]), COIN.perception)
    curve = rdc.trace(barred, D=[0.1, 0.25, 0.3], P=[[0.0], [0.1]])
    curve.to_json(tmp_path / "curve.json")
    back = rdc.load(tmp_path / "curve.json")
    assert isinstance(back, rdc.Curve)
    assert_equal(curve, back)
    pd.testing.assert_frame_equal(back.to_frame(), curve.to_frame())
    curve.to_csv(tmp_path / "curve.csv")
    told = pd.read_csv(tmp_path / "curve.csv", dtype=str)
    assert list(told["status"]) == list(curve.to_frame()["status"])
    np.testing.assert_array_equal(told["upper"].astype(float), curve.upper.ravel())


def test_what_was_loaded_can_be_certified_and_started_from(tmp_path: Path) -> None:
    solution = rdc.rate(COIN, D=0.1, P=0.02)
    solution.to_json(tmp_path / "answer.json")
    back = rdc.load(tmp_path / "answer.json")
    again = rdc.certify(COIN, back.channel, back.prices, D=0.1, P=0.02)
    assert again.gap <= 1e-6
    assert again.lower <= solution.upper
    assert rdc.rate(COIN, D=0.11, P=0.02, start=back).gap <= 1e-6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Expecting"),
        ("[1]", "got list"),
        ('{"kind": "Path", "path": "/"}', "names 'Path'"),
        ('{"kind": "Solution", "value": 1.0}', "missing"),
        ('{"kind": "Target", "D": 0.1}', "got Target"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(ValueError, match=rf"file holds no answer of rdcfunc.*{message}.*give what"):
        rdc.load(tmp_path / "file")


def test_crossed_bounds_are_refused(tmp_path: Path) -> None:
    told = json.loads(rdc.rate(COIN, D=0.1).to_json())
    (tmp_path / "file").write_text(json.dumps(told | {"lower": 9.0}))
    with pytest.raises(ValueError, match="lower bound above its upper one"):
        rdc.load(tmp_path / "file")


def test_arrays_of_other_libraries_are_taken() -> None:
    truth = rdc.rate(rdc.Problem(sources.Discrete([0.5, 0.25, 0.25]), distortions.matrix(1 - np.eye(3))), D=0.1).value
    pmf = torch.tensor([0.5, 0.25, 0.25], requires_grad=True)
    table = pd.DataFrame(1 - np.eye(3), columns=list("abc"))
    level = torch.tensor(0.1, dtype=torch.float64)
    assert rdc.rate(rdc.Problem(sources.Discrete(pmf), distortions.matrix(table)), D=level).value == truth
    series = pd.Series([0.5, 0.25, 0.25], index=list("abc"))
    mixed = rdc.Problem(sources.Discrete(series), distortions.matrix(torch.tensor(table.to_numpy())))
    assert rdc.trace(mixed, D=pd.Series([0.1])).value[0] == truth
    labels = classifications.ConditionalEntropy(torch.tensor([0, 1, 1]))
    assert labels.labels.tolist() == [[1, 0], [0, 1], [0, 1]]
    with pytest.raises(ValueError, match=r"pmf must hold real numbers \(got dtype complex64\)"):
        sources.Discrete(torch.tensor([1 + 0j]))


class Foreign:
    """What NumPy sees of an array of JAX and others: this protocol alone."""

    def __init__(self, values: list[float]) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype)


def test_anything_that_numpy_can_read_is_taken() -> None:
    assert sources.Discrete(Foreign([0.5, 0.5])).pmf.tolist() == [0.5, 0.5]
    assert rdc.certify(COIN, Foreign([[1.0, 0.0], [0.0, 1.0]]), D=0.1, tol=1.0).upper < 0.89


def test_distributions_of_scipy_are_put_on_points() -> None:
    normal = sources.discretise(stats.norm(scale=2.0), GRID)
    np.testing.assert_allclose(normal.pmf, sources.discretise(sources.Gaussian(4.0), GRID).pmf, rtol=1e-12)
    counts = np.arange(11)
    np.testing.assert_allclose(sources.discretise(stats.binom(10, 0.3), counts).pmf, stats.binom(10, 0.3).pmf(counts))
    # Far out in either tail, where 1 - cdf would be zero.
    heavy = sources.discretise(stats.laplace(), np.linspace(-100, 100, 11)).pmf
    np.testing.assert_allclose(heavy, heavy[::-1], rtol=1e-12)
    assert heavy[0] == pytest.approx(np.exp(-90) / 2)
    with pytest.raises(TypeError, match=r"must be a Gaussian or have cdf and sf \(got list\)"):
        sources.discretise([0.5, 0.5], [0, 1])


def test_what_could_not_be_read_back_is_not_written() -> None:
    class Own(solvers.BlahutArimoto):
        pass

    with pytest.raises(TypeError, match="Own cannot be kept as JSON"):
        rdc.rate(COIN, D=0.1, solver=Own()).to_json()
