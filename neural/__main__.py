"""Train, measure and look at codecs from the command line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from rdcfunc.files import check_folder, write

from . import recipes, studies
from .config import Config, Data, Weights
from .evaluate import evaluate
from .files import fetch
from .reuse import train_universal
from .run import Run, load_run
from .show import show
from .speed import speed
from .summary import summary
from .sweep import sweep
from .train import train_end_to_end

RECIPES: dict[str, Callable[..., Config]] = {name: getattr(recipes, name) for name in recipes.__all__}
STUDIES = {name: getattr(studies, name) for name in studies.__all__}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command in `arguments`, by default those of the process."""
    options = _parser().parse_args(arguments)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    try:
        options.run_command(options)
    except (ValueError, OSError, FloatingPointError) as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit("interrupted; what was finished is kept where it was written") from None


def _fetch(options: argparse.Namespace) -> None:
    print(fetch(Data(options.data), Path(options.data_dir or "data")))


def _train(options: argparse.Namespace) -> None:
    if options.save is not None:
        check_folder(options.save.parent)
    run = train_end_to_end(_config(options), progress=options.progress)
    if options.save is not None:
        run.save(options.save)
    _report([run], options)


def _universal(options: argparse.Namespace) -> None:
    if options.save is not None:
        check_folder(options.save)
    base = load_run(options.run, device=options.device, data_dir=options.data_dir)
    weights = [
        replace(base.config.weights, classification=classification, perception=perception)
        for classification in options.weights
        for perception in options.perception_weights or [base.config.perception_weight]
    ]
    runs = train_universal(base, weights, progress=options.progress)
    if options.save is not None:
        for run in runs:
            run.save(options.save / _name(run.config.weights))
    _report(runs, options)


def _evaluate(options: argparse.Namespace) -> None:
    _report([load_run(path, device=options.device, data_dir=options.data_dir) for path in options.runs], options)


def _show(options: argparse.Namespace) -> None:
    runs = [load_run(path, device=options.device, data_dir=options.data_dir) for path in options.runs]
    figure = show(runs, images=options.images)
    write(options.out, lambda file: figure.savefig(file, format=options.out.suffix[1:] or "png", dpi=150))
    print(options.out)


def _sweep(options: argparse.Namespace) -> None:
    jobs = STUDIES[options.study](**_chosen(options, "seeds", "device", "data_dir"))
    with _workers(options.workers, options.threads) as executor:
        rows = sweep(
            jobs,
            options.folder,
            together=options.together,
            executor=executor,
            dithers=options.dithers,
            perception=options.perception,
            graph=options.graph,
            progress=True,
        )
    table = summary(rows)
    write(options.folder / "summary.csv", lambda file: table.to_csv(file, index=False))
    print(table.to_string(float_format="%.4g"))


@contextmanager
def _workers(count: int, threads: int | None) -> Iterator[ProcessPoolExecutor | None]:
    """Give so many processes of their own, or None for one; what waits is dropped if the sweep is interrupted."""
    if count == 1:
        yield None
        return
    begin = None if threads is None else partial(torch.set_num_threads, threads)
    with ProcessPoolExecutor(count, get_context("spawn"), begin) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _speed(options: argparse.Namespace) -> None:
    found = speed(_config(options), options.together, graph=options.graph)
    print(json.dumps({**asdict(found), "ratio": found.ratio}, indent=2))


def _config(options: argparse.Namespace) -> Config:
    config = RECIPES[options.recipe](**_chosen(options, "device", "data_dir"))
    weights = replace(config.weights, classification=options.weight, perception=options.perception_weight)
    config = replace(config.weighing(weights), seed=options.seed)
    return config if options.epochs is None else replace(config, epochs=options.epochs)


def _chosen(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Return the options that were given; the others keep the defaults of the function they go to."""
    given = {name: getattr(options, name) for name in names}
    return {name: value for name, value in given.items() if value is not None}


def _name(weights: Weights) -> str:
    perception = f"-perception-{weights.perception:g}" if weights.perception else ""
    return f"weight-{weights.classification:g}{perception}.pt"


def _report(runs: Sequence[Run], options: argparse.Namespace) -> None:
    """Print configuration and measurement of each run as JSON."""
    measure = partial(evaluate, dithers=options.dithers, perception=options.perception)
    table = [{**run.to_dict(), "measurement": measure(run).to_dict()} for run in runs]
    print(json.dumps(table, indent=2))


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--device", help="where to compute, such as cpu or cuda")
    common.add_argument("--data-dir", help="folder that holds MNIST/raw, FashionMNIST/raw or SVHN")
    common.add_argument("--threads", type=int, help="threads of torch; 1 is fastest for the digits")
    measuring = argparse.ArgumentParser(add_help=False)
    measuring.add_argument("--dithers", type=int, default=32, help="dither draws to average over (%(default)s)")
    measuring.add_argument("--perception", action="store_true", help="measure distances between laws too")
    training = argparse.ArgumentParser(add_help=False)
    training.add_argument("--progress", action="store_true", help="show a bar over the epochs")
    graphs = argparse.ArgumentParser(add_help=False)
    graphs.add_argument("--graph", action="store_true", help="on CUDA, record a training step and replay it")
    recipe = argparse.ArgumentParser(add_help=False)
    recipe.add_argument("--recipe", choices=RECIPES, default="quick", help="configuration (%(default)s)")
    recipe.add_argument("--weight", type=float, default=0.0, help="classification weight λ_c (%(default)s)")
    recipe.add_argument("--perception-weight", type=float, default=0.0, help="perception weight λ_p (%(default)s)")
    recipe.add_argument("--seed", type=int, default=0, help="seed of everything random (%(default)s)")
    recipe.add_argument("--epochs", type=int, help="passes over the data, if not the recipe's")

    parser = argparse.ArgumentParser(prog="python -m neural", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, run: object, help_: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        made = commands.add_parser(name, parents=[common, *parents], help=help_)
        made.set_defaults(run_command=run)
        return made

    get = command("fetch", _fetch, "get the files of a data set")
    get.add_argument("data", choices=[data.value for data in Data if data is not Data.DIGITS], help="which")

    train = command("train", _train, "train a codec end to end", measuring, training, recipe)
    train.add_argument("--save", type=Path, metavar="FILE", help="where to write the run")

    universal = command("universal", _universal, "train new decoders on a run's frozen encoder", measuring, training)
    universal.add_argument("run", type=Path, metavar="RUN", help="file written by train --save")
    universal.add_argument(
        "--weights", type=float, nargs="+", required=True, metavar="λ_c", help="one decoder for each"
    )
    universal.add_argument(
        "--perception-weights", type=float, nargs="+", metavar="λ_p", help="with each of these, if not the run's"
    )
    universal.add_argument("--save", type=Path, metavar="FOLDER", help="where to write weight-*.pt")

    study = command("sweep", _sweep, "train and measure a study, or what is left of it", measuring, graphs)
    study.add_argument("study", choices=STUDIES, help="which")
    study.add_argument("--folder", type=Path, required=True, help="where its rows and runs are")
    study.add_argument("--seeds", type=int, help="repetitions of every codec, if not the study's")
    study.add_argument("--together", type=int, default=1, help="codecs that are trained at once (%(default)s)")
    study.add_argument("--workers", type=int, default=1, help="processes side by side, on a CPU (%(default)s)")

    measure = command("evaluate", _evaluate, "measure saved runs", measuring)
    look = command("show", _show, "draw reconstructions next to originals")
    for each in (measure, look):
        each.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="file written by train, universal or sweep")
    look.add_argument("--out", type=Path, default=Path("show.png"), help="the picture (%(default)s)")
    look.add_argument("--images", type=int, default=12, help="how many images (%(default)s)")

    time = command("speed", _speed, "time training together and one by one", graphs, recipe)
    time.add_argument("--together", type=int, default=16, help="codecs that are trained at once (%(default)s)")
    return parser


if __name__ == "__main__":
    main()
