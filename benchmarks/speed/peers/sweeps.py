"""Blahut-Arimoto in three forms: as dit has it at a slope, bisected for the slope, and with the slope found inside."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from math import inf
from time import perf_counter

import numpy as np

import rdcfunc as rdc
from benchmarks.speed.peers.base import NATS_PER_BIT, Answer, Array, Peer, Task, rows


@dataclass(frozen=True)
class Dit(Peer):
    """The Blahut-Arimoto iteration of dit, from its first start: it takes no D, so it is given the slope."""

    @property
    def label(self) -> str:
        """The name in tables and figures."""
        return f"{self.name} (slope given)"

    @property
    def needs_slope(self) -> bool:
        """Return True."""
        return True

    def missing(self) -> bool:
        """Return whether dit is not installed."""
        return find_spec("dit") is None

    def __call__(self, task: Task) -> Answer:
        """Solve at the slope given."""
        dit = import_module("dit.rate_distortion.blahut_arimoto")
        _, joint = dit.blahut_arimoto(task.p, task.slope, lambda p, q: task.d, max_iters=10**7, restarts=1)
        return Answer(rows(joint), rdc.Prices(task.slope))


@dataclass(frozen=True)
class Bisection(Peer):
    """Blahut-Arimoto at one slope after another, each from the last one's law, bisected until ``E d = D``."""

    def __call__(self, task: Task) -> Answer:
        """Solve the task, or return the last channel when time is up."""
        stop, accuracy = perf_counter() + task.seconds, task.tol * NATS_PER_BIT / 4
        q = np.full(task.d.shape[1], 1.0 / task.d.shape[1])
        low, high, s = 0.0, inf, 1.0 / task.D
        while True:
            E = np.exp(-s * task.d)
            # Letters that another slope has all but dropped would take as many sweeps to come back.
            q = 0.999 * q + 0.001 / q.size
            while True:
                kernel_sum = E @ q
                gain = (task.p / kernel_sum) @ E
                if _open(q, gain) < accuracy:
                    break
                if perf_counter() > stop:
                    return Answer(rows(E * q), rdc.Prices(s / NATS_PER_BIT), "stopped by time")
                q = q * gain
            excess = float((task.p / kernel_sum) @ ((E * task.d) @ q)) - task.D
            if s * abs(excess) < accuracy or not low < s < high:
                return Answer(rows(E * q), rdc.Prices(s / NATS_PER_BIT))
            low, high = (s, high) if excess > 0 else (low, s)
            s = 2 * s if high == inf else (low + high) / 2


@dataclass(frozen=True)
class Constrained(Peer):
    """Blahut-Arimoto that finds the slope of ``E d = D`` by Newton's method before every sweep."""

    def __call__(self, task: Task) -> Answer:
        """Solve the task, or return the last channel when time is up."""
        stop, accuracy = perf_counter() + task.seconds, task.tol * NATS_PER_BIT / 2
        q, s = np.full(task.d.shape[1], 1.0 / task.d.shape[1]), 1.0 / task.D
        while True:
            s, E = _slope(task, q, s)
            gain = (task.p / (E @ q)) @ E
            late = perf_counter() > stop
            if late or _open(q, gain) < accuracy:
                note = "stopped by time" if late else ""
                return Answer(rows(E * q), rdc.Prices(s / NATS_PER_BIT), note)
            q = q * gain


def _open(q: Array, gain: Array) -> float:
    """Return the gap in nats at one slope, from a sweep's factors of q."""
    law = q * gain
    return float(np.log(gain.max()) - law[law > 0] @ np.log(gain[law > 0]))


def _slope(task: Task, q: Array, s: float) -> tuple[float, Array]:
    """Return the slope at which the channel tilted from q has ``E d = D``, and its kernel."""
    low, high = 0.0, inf
    for _ in range(60):
        E = np.exp(-s * task.d)
        mass, cost = E @ q, E * task.d
        mean = (cost @ q) / mass
        excess = float(task.p @ mean) - task.D
        if abs(excess) < 1e-12 * task.D:
            break
        low, high = (s, high) if excess > 0 else (low, s)
        cost *= task.d
        spread = float(task.p @ ((cost @ q) / mass - mean**2))
        newton = s + excess / spread if spread > 0 else inf
        s = newton if low < newton < min(high, 4 * s) else (2 * s if high == inf else (low + high) / 2)
    return s, E
