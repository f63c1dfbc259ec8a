"""Many codecs, trained and measured one group after another, in a folder that an interrupted sweep goes on from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from tqdm import tqdm

from rdcfunc.files import check_folder
from rdcfunc.provenance import provenance
from rdcfunc.rows import Rows

from .archive import kept
from .config import Config
from .evaluate import evaluate
from .group import alike
from .reuse import train_decoders
from .run import Run, restored
from .train import train_together

__all__ = ["Job", "sweep"]


@dataclass(frozen=True)
class Job:
    """Describe one codec of a sweep.

    Parameters
    ----------
    config
        What it is trained on and how.
    encoder
        For a universal decoder, what its frozen encoder was trained on; else None.

    Examples
    --------
    >>> Job(Config()).key == Job(Config()).key, Job(Config()).key == Job(Config(), encoder=Config()).key
    (True, False)
    """

    config: Config
    encoder: Config | None = None

    @property
    def key(self) -> str:
        """Return a name for the job's files, the same wherever its data lie and it is computed."""
        configs = [None if each is None else each.to_dict() for each in (self.config, self.encoder)]
        for fields in filter(None, configs):
            del fields["data_dir"], fields["device"]
        return hashlib.sha256(json.dumps(configs).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Options:
    folder: Path
    dithers: int
    perception: bool
    graph: bool

    def run(self, job: Job) -> Path:
        return self.folder / "runs" / f"{job.key}.pt"


def sweep(
    jobs: Iterable[Job],
    folder: str | Path,
    *,
    together: int = 1,
    executor: Executor | None = None,
    dithers: int = 32,
    perception: bool = False,
    graph: bool = False,
    progress: bool = False,
) -> list[dict[str, Any]]:
    """Train and measure what `folder` does not hold yet, and return a row for each job, in order.

    ``folder/rows.jsonl`` holds a line for each finished codec: its configuration, that of its encoder, its
    measurement, seconds, and the versions, commit and machine that made it. ``folder/runs`` holds the codecs. A sweep
    that was stopped, or killed, goes on from the last finished codec, and inside a training from the last epoch that
    was written down.

    Parameters
    ----------
    jobs
        What to train; encoders of universal decoders are trained too where they are not among them.
    folder
        Where the results are.
    together
        How many codecs that are alike are trained at once, at most as many as the device has room for: a group that is
        too large is halved.
    executor
        Where groups are trained, such as a process pool or the executor of a Dask client with one GPU a worker; they
        must reach `folder`. By default here, one after another.
    dithers, perception
        As in `evaluate`.
    graph
        On CUDA, record a step once and replay it.
    progress
        Show a bar over the codecs.

    Raises
    ------
    ValueError
        If no codec is to be trained at once.
    FloatingPointError
        If a loss stops being finite.
    OSError
        If the folder cannot be written, before anything is trained.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> jobs = [Job(Config(epochs=1, classifier_epochs=1))]
    >>> with TemporaryDirectory() as there:
    ...     first = sweep(jobs, there, dithers=2)
    ...     sweep(jobs, there, dithers=2) == first
    True
    """
    if together < 1:
        raise ValueError(f"together must be >= 1, the codecs trained at once (got {together})")
    jobs = list(jobs)
    options = _Options(Path(folder), dithers, perception, graph)
    check_folder(options.folder)
    table = Rows(options.folder / "rows.jsonl")
    done = {row["key"]: row for row in table.rows}
    end_to_end = {job.key: job for job in (Job(job.encoder or job.config) for job in jobs)}
    reusing = {job.key: job for job in jobs if job.encoder is not None}
    with tqdm(total=len(end_to_end | reusing), disable=not progress, unit="codec") as bar:
        for stage in (end_to_end, reusing):  # the second needs the encoders of the first
            bar.update(sum(key in done for key in stage))
            waiting = [job for key, job in stage.items() if key not in done]
            for finished in _finished(list(_groups(waiting, together)), options, executor):
                for row in finished:
                    table.append(row)
                    done[row["key"]] = row
                    bar.update()
    return [done[job.key] for job in jobs]


def _groups(jobs: Sequence[Job], size: int) -> Iterator[list[Job]]:
    """Cut jobs into groups of at most so many that can be trained together."""
    waiting = list(jobs)
    while waiting:
        group = [job for job in waiting if alike(job.config, waiting[0].config)][:size]
        waiting = [job for job in waiting if job not in group]
        yield group


def _finished(
    groups: Sequence[list[Job]], options: _Options, executor: Executor | None
) -> Iterator[list[dict[str, Any]]]:
    if executor is None:
        yield from (_work(group, options) for group in groups)
    else:
        for future in as_completed([executor.submit(_work, group, options) for group in groups]):
            yield future.result()


def _work(jobs: list[Job], options: _Options) -> list[dict[str, Any]]:
    """Train and measure a group, or its halves if the device has too little memory for it, and return its rows."""
    try:
        runs = _trained(jobs, options)
    except torch.OutOfMemoryError:
        if len(jobs) == 1:
            raise
        runs = ()
    if not runs:  # out of the handler, which holds on to what filled the memory
        middle = len(jobs) // 2
        return [*_work(jobs[:middle], options), *_work(jobs[middle:], options)]
    finished = []
    for job, run in zip(jobs, runs, strict=True):
        start = perf_counter()
        measured = evaluate(run, dithers=options.dithers, perception=options.perception)
        finished.append(
            {
                "key": job.key,
                **run.to_dict(),
                "measurement": measured.to_dict(),
                "images_per_second": job.config.epochs * len(run.data.train) / run.seconds,
                "seconds_to_measure": perf_counter() - start,
                "together": len(jobs),
                "provenance": provenance(),
            }
        )
    return finished


def _trained(jobs: list[Job], options: _Options) -> tuple[Run, ...]:
    """Return the runs of a group, training it unless its files are there and sound."""
    paths = [options.run(job) for job in jobs]
    found = [content for content in map(kept, paths) if content is not None]
    if len(found) == len(jobs):
        here = jobs[0].config
        return tuple(restored(content, device=here.device, data_dir=here.data_dir) for content in found)
    checkpoint = options.folder / "checkpoints" / f"{hashlib.sha256(repr(paths).encode()).hexdigest()[:16]}.pt"
    encoders = [job.encoder for job in jobs if job.encoder is not None]
    if encoders:
        bases = {each: _trained([Job(each)], options)[0] for each in dict.fromkeys(encoders)}
        pairs = [(bases[each], job.config.weights) for each, job in zip(encoders, jobs, strict=True)]
        runs = train_decoders(pairs, checkpoint=checkpoint, graph=options.graph)
    else:
        runs = train_together([job.config for job in jobs], checkpoint=checkpoint, graph=options.graph)
    for run, path in zip(runs, paths, strict=True):
        run.save(path)
    checkpoint.unlink(missing_ok=True)
    return runs
