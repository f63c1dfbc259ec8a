"""What a pass over samples costs: ``python -m benchmarks.passes``, beside a plain alternation in torch in the same run.

The plain one forms the table of n times m distances, the channel and the new letters as textbooks write them.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from time import process_time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 - BLAS reads the variables above when it is loaded
import torch  # noqa: E402

from rdcfunc.passes.choice import machine  # noqa: E402
from rdcfunc.passes.cloud import Cloud  # noqa: E402
from rdcfunc.passes.rows import Rows  # noqa: E402


def plain(x: torch.Tensor, y: torch.Tensor, r: torch.Tensor, s: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the law of the letters and their means after one step of Blahut's and Arimoto's alternation."""
    w = torch.softmax(r.log() - s * torch.cdist(x, y) ** 2, dim=1)
    q = w.mean(dim=0)
    return q, (w.T @ x) / (len(x) * q[:, None])


def least(run: Callable[[], object], repeats: int) -> float:
    """Return the least CPU seconds of some runs."""
    times = []
    for _ in range(repeats):
        start = process_time()
        run()
        times.append(process_time() - start)
    return min(times)


def main(arguments: list[str] | None = None) -> int:
    """Print CPU seconds a pass and the ratio for each number of letters."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.passes", description=__doc__)
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--dimension", type=int, default=784)
    parser.add_argument("--letters", type=int, nargs="+", default=[1024, 4096])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--backend", choices=["numpy", "torch"], default="numpy")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    n, k = options.samples, options.dimension
    x = np.random.default_rng(0).standard_normal((n, k), dtype=np.float32)
    for m in options.letters:
        rows = Rows(
            x.astype(np.float64), np.full(n, 1 / n), None, 1, machine(float(n) * m * k, backend=options.backend)
        )
        letters = rows.some(np.arange(m)).astype(np.float64)
        cloud = Cloud(letters, np.full(m, -np.log(m)), np.zeros((m, 1)), 0.05)
        tensors = torch.from_numpy(x), torch.from_numpy(letters.astype(np.float32)), torch.full((m,), 1 / m)
        ours = least(partial(rows.sweep, cloud), options.repeats)
        theirs = least(partial(plain, *tensors, 0.05), options.repeats)
        print(
            f"{n} x {m}, k = {k}: {ours:.2f} s a pass ({options.backend}), plain {theirs:.2f} s, {theirs / ours:.2f}x"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
