"""Passes over samples are what they are by definition, in any memory and on two processes."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from brackets import quietly
from clouds import SQUARED, normal
from measure import equivocation, information

import rdcfunc as rdc
from rdcfunc import solvers, sources
from rdcfunc.passes import rows as passes
from rdcfunc.passes.cloud import Cloud
from rdcfunc.passes.on_numpy import NumPy
from rdcfunc.passes.on_torch import Torch
from rdcfunc.passes.rows import Rows


def cloud_of(x: np.ndarray, K: int) -> Cloud:
    random = np.random.default_rng(6)
    log_b = np.log(random.dirichlet(np.ones(K), 12))
    return Cloud(x[:12], np.log(random.dirichlet(np.ones(12))), log_b, 0.8, 0.5)


@pytest.mark.parametrize("machine", [NumPy(False), NumPy(True), Torch(False, "cpu"), Torch(True, "cpu")])
def test_passes_equal_the_definition(machine: passes.Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "_CHUNK", 100)  # chunks of eight rows
    x, labels = normal(70, 3), np.random.default_rng(7).integers(3, size=70)
    p = np.random.default_rng(8).dirichlet(np.ones(70))
    rows = Rows(x, p, labels, 3, machine)
    cloud = cloud_of(x, 3)
    sums = rows.sweep(cloud)
    about = x - p @ x
    e = cloud.log_r - 0.8 * ((about[:, None] - cloud.letters) ** 2).sum(-1) + 0.5 * cloud.log_b.T[labels]
    w = np.exp(e) / np.exp(e).sum(axis=1, keepdims=True)
    close = {"rtol": 1e-9, "atol": 1e-12} if machine.double else {"rtol": 2e-4, "atol": 1e-6}
    np.testing.assert_allclose(sums.law, p @ w, **close)
    np.testing.assert_allclose(sums.moments, (w * p[:, None]).T @ about, **close)
    np.testing.assert_allclose(sums.spent(cloud) / np.log(2), information(p, w), **close)
    np.testing.assert_allclose(sums.entropy / np.log(2), equivocation(p, w, np.eye(3)[labels]), **close)
    earned, _ = rows.earned(np.log(rows.p), cloud.letters, 0.8)
    kernel = np.exp(-0.8 * ((about[:, None] - cloud.letters) ** 2).sum(-1)) * p[:, None]
    np.testing.assert_allclose(np.exp(earned).sum(axis=0), kernel.sum(axis=0), **close)


@pytest.mark.parametrize("machine", [NumPy(False), Torch(False, "cpu")])
def test_where_memory_runs_out_parts_are_halved_until_they_fit(
    machine: passes.Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = normal(70, 3)
    rows = Rows(x, np.full(70, 1 / 70), machine=machine)
    cloud = cloud_of(x, 1)

    def both() -> list[np.ndarray]:
        sums = rows.sweep(cloud)
        return [sums.mass, sums.moments, *rows.earned(np.log(rows.p), cloud.letters, 0.8)]

    expected, room, tried = both(), 5, []

    def scarce(work: Callable[..., object]) -> Callable[..., object]:
        def within(*given: Any) -> object:
            tried.append(max(stop - start for _, start, stop in given[2]))
            if tried[-1] > room:
                raise machine.exhausted("out of memory")
            return work(*given)

        return within

    for name in ("sweep", "kernel"):
        monkeypatch.setattr(machine, name, scarce(getattr(machine, name)))
    for found, known in zip(both(), expected, strict=True):
        np.testing.assert_allclose(found, known, rtol=1e-12, atol=1e-14)
    assert tried[0] == 70
    assert room // 2 < tried[-1] <= room
    assert tried[-2:] == [tried[-1]] * 2, "what does not fit is tried once"
    room = 0
    with pytest.raises(MemoryError, match=r"ran out at 12 letters for one sample at a time .*use fewer"):
        rows.sweep(cloud)


def test_where_torch_is_missing_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    problem = rdc.Problem(sources.Samples(normal(9, 2)), SQUARED)
    for asked in ({"backend": "torch"}, {"device": "cuda"}):
        with pytest.raises(ValueError, match=r"torch is not installed; pip install torch, or leave device and backend"):
            rdc.rate(problem, D=0.5, solver=solvers.Particles(**asked))
    assert quietly(rdc.rate, problem, D=0.5).upper > 0


def test_two_processes_answer_as_one(tmp_path: Path) -> None:
    script = tmp_path / "share.py"
    script.write_text(SHARED)
    port = tmp_path / "meeting"
    work = [
        subprocess.Popen([sys.executable, script, str(rank), str(port)], stdout=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]
    told = [process.communicate(timeout=120)[0].split() for process in work]
    assert told[0] == told[1]
    problem = rdc.Problem(sources.Samples(normal(301, 5)), SQUARED)
    alone = quietly(rdc.distortion, problem, R=1.5, solver=solvers.Particles(140, sweeps=4, backend="torch"))
    np.testing.assert_allclose([float(told[0][0]), float(told[0][1])], [alone.upper, alone.searched], rtol=1e-9)


SHARED = """
import sys, warnings
import numpy as np
import torch.distributed as dist
import rdcfunc as rdc
from rdcfunc import distortions, solvers, sources
rank, meeting = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
x = np.random.default_rng(0).standard_normal((301, 5))
warnings.simplefilter("ignore")
problem = rdc.Problem(sources.Samples(x), distortions.squared_error())
found = rdc.distortion(problem, R=1.5, solver=solvers.Particles(140, sweeps=4, backend="torch"))
print(repr(found.upper), repr(found.searched))
dist.destroy_process_group()
"""
