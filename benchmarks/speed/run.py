"""One measurement: a case, solved in a process of its own that ends with the limit."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

import rdcfunc as rdc
from benchmarks.speed.cases import Case
from benchmarks.speed.judge import Row, judged, said
from benchmarks.speed.peers import Answer, Peer

#: Seconds for what is not timed: building a problem, a certificate.
_PATIENCE = 300.0
#: Seconds for the process to end once it has said all.
_FAREWELL = 5.0
#: The share of the machine's memory that a solve may have: it fails, and not the machine.
_SHARE = 0.8


def measure(case: Case, peer: Peer | None, repeats: int, limit: float, slopes: Sequence[float] = ()) -> Row:
    """Solve a case in a process of its own that ends with the limit, by the library if there is no peer.

    ``slopes`` are the library's at each point, for a peer that needs them.
    """
    receive, send = _context().Pipe(duplex=False)
    process = _context().Process(target=_work, args=(send, case, peer, repeats, limit, slopes), daemon=True)
    process.start()
    send.close()
    found: Row = {"cpu": [], "wall": [], "memory": None, "gap": None, "lower": None, "upper": None}
    try:
        # The first message says that the problem is built, the last one what the certificate found.
        timed, patience = False, _PATIENCE
        while receive.poll(patience):
            message: Row = receive.recv()
            found["cpu"] += message.pop("cpu", [])
            found["wall"] += message.pop("wall", [])
            found |= message
            if "status" in message:
                process.join(_FAREWELL)
                return found
            timed = not found.pop("certifying", False)
            patience = limit if timed else _PATIENCE
        late = said("limit", f"not done in {limit:g} s")
        return found | (late if timed else said("failed", f"not prepared or certified in {_PATIENCE:g} s"))
    except EOFError:
        process.join()
        code = process.exitcode or 0
        why = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return found | said("failed", f"the process ended with {why}")
    finally:
        process.kill()
        process.join()
        receive.close()


def _work(send: Connection, case: Case, peer: Peer | None, repeats: int, limit: float, slopes: Sequence[float]) -> None:
    """Build, solve and certify a case, saying over the pipe what is done; the parent watches the time."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    memory = int(_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    warnings.simplefilter("ignore")
    try:
        problem = case.problem()
        solve: Callable[[], Sequence[rdc.Solution | Answer]]
        if peer is None:
            solve = lambda: case.solve(problem)  # noqa: E731
        else:
            # Iterations stop in time to hand over what they have.
            tasks = case.tasks(problem, slopes or [0.0] * case.points, 0.8 * limit)
            solve = lambda: [peer(task) for task in tasks]  # noqa: E731
        send.send({})
        begin, answers, before = time.perf_counter(), [], _peak(reset=True)
        for repeat in range(repeats):
            wall, cpu = time.perf_counter(), _cpu()
            answers = list(solve())
            message: Row = {"cpu": [_cpu() - cpu], "wall": [time.perf_counter() - wall]}
            if repeat == 0:
                message["memory"] = max(0, _peak() - before)
            # Long solves are not repeated.
            last = repeat == repeats - 1 or time.perf_counter() - begin > limit / 2
            send.send(message | {"certifying": last})
            if last:
                break
        send.send(judged(case, problem, answers))
    except Exception as error:
        first = next(iter(str(error).splitlines()), "")
        send.send(said("failed", f"{type(error).__name__}: {first}"))


def _cpu() -> float:
    """Return the CPU seconds of this process and of the children it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak(reset: bool = False) -> int:
    """Return the peak of resident memory in bytes, since the reset where the system has one."""
    with suppress(OSError):
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@cache
def _context() -> ForkServerContext:
    """Return the maker of processes, whose server has imported everything that is not to be timed."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__, "cvxpy", "scipy.optimize", "dit.rate_distortion.blahut_arimoto"])
    return context
