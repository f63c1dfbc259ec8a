"""Sweeps on a cluster: two worker processes, one of which is killed while it works."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client, LocalCluster

import rdcfunc as rdc
from neural import Config
from neural.config import Weights
from neural.sweep import Job, sweep
from rdcfunc import distortions, perceptions, solvers, sources

PROBLEM = rdc.Problem(sources.Discrete([0.5, 0.3, 0.2]), distortions.hamming(3), perceptions.TotalVariation())
D, P = np.linspace(0.05, 0.4, 8), [[0.01], [0.03], [0.05], [0.1]]


@pytest.fixture
def client() -> Iterator[Client]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


def kill_a_busy_worker(client: Client, pids: dict[str, int]) -> str:
    while not (busy := [worker for worker, tasks in client.processing().items() if tasks]):
        time.sleep(0.005)
    os.kill(pids[busy[0]], signal.SIGKILL)
    return busy[0]


def test_a_killed_worker_costs_nothing_but_its_time(client: Client) -> None:
    def sweep(**options: Any) -> rdc.Curve:
        return rdc.trace(PROBLEM, D=D, P=P, solver=solvers.InteriorPoint(), **options)

    pids = client.run(os.getpid)
    assert len(set(pids.values()) - {os.getpid()}) == 2
    with ThreadPoolExecutor(1) as killer:
        killed = killer.submit(kill_a_busy_worker, client, pids)
        found = sweep(executor=client.get_executor())
    assert killed.result() in pids
    assert killed.result() not in client.scheduler_info()["workers"]
    alone = sweep()
    assert (np.maximum(found.lower, alone.lower) <= np.minimum(found.upper, alone.upper)).all()
    np.testing.assert_allclose(found.value, alone.value, rtol=0, atol=1e-6)
    assert found.solutions.shape == alone.solutions.shape


def test_a_curve_of_targets_is_spread(client: Client) -> None:
    problem = rdc.Problem(sources.bernoulli(0.3), distortions.hamming(2), perceptions.TotalVariation())
    curve = rdc.IsoRate(R=0.4, P=(0.0, 0.2))
    executor = client.get_executor()
    spread, alone = rdc.rate_penalty(problem, curve, executor=executor), rdc.rate_penalty(problem, curve)
    assert sum(client.run(lambda dask_worker: dask_worker.state.executed_count).values()) > len(spread.singles)
    assert (spread.lower, spread.upper) == (alone.lower, alone.upper)
    assert [s.value for s in spread.singles] == [s.value for s in alone.singles]
    with pytest.raises(TypeError, match="must be a concurrent"):
        rdc.universal_rate(problem, curve, executor=2)  # type: ignore[arg-type]


def test_a_sweep_of_codecs_outlives_a_worker(client: Client, tmp_path: Path) -> None:
    config = Config(epochs=3, classifier_epochs=1)
    jobs = [Job(replace(config, seed=seed)) for seed in range(3)]
    jobs.append(Job(config.weighing(Weights(classification=0.01)), config))
    pids = client.run(os.getpid)
    with ThreadPoolExecutor(1) as killer:
        killed = killer.submit(kill_a_busy_worker, client, pids)
        found = sweep(jobs, tmp_path / "spread", executor=client.get_executor(), dithers=2)
    assert killed.result() not in client.scheduler_info()["workers"]
    alone = sweep(jobs, tmp_path / "alone", dithers=2)
    assert [row["measurement"] for row in found] == [row["measurement"] for row in alone]
    assert [row["key"] for row in found] == [job.key for job in jobs]
    assert not list((tmp_path / "spread" / "checkpoints").glob("*.pt"))
