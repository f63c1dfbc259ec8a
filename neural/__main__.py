"""Train and measure codecs from the command line; the measurement is printed as JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from . import recipes
from .evaluate import evaluate
from .reuse import train_universal
from .run import Run, load_run
from .train import train_end_to_end

RECIPES = {"quick": recipes.quick, "seed_paper": recipes.seed_paper}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command in `arguments`, by default those of the process."""
    options = _parser().parse_args(arguments)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    try:
        runs = _runs(options)
        print(json.dumps([_report(run, options.dithers) for run in runs], indent=2))
    except (ValueError, OSError, FloatingPointError) as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from error


def _runs(options: argparse.Namespace) -> Iterable[Run]:
    if options.command == "train":
        config = RECIPES[options.recipe](classification_weight=options.weight, seed=options.seed)
        changes = {"epochs": options.epochs, "device": options.device, "data_dir": options.data_dir}
        config = replace(config, **{name: value for name, value in changes.items() if value is not None})
        run = train_end_to_end(config, progress=options.progress)
        if options.save is not None:
            run.save(options.save)
        return [run]
    run = load_run(options.run, device=options.device, data_dir=options.data_dir)
    if options.command == "evaluate":
        return [run]
    reused = train_universal(run, options.weights, progress=options.progress)
    if options.save is not None:
        for new in reused:
            new.save(options.save / f"weight-{new.config.classification_weight:g}.pt")
    return reused


def _report(run: Run, dithers: int) -> dict[str, object]:
    return {
        "config": run.config.to_dict(),
        "encoder": None if run.encoder is None else run.encoder.to_dict(),
        "seconds": run.seconds,
        "measurement": evaluate(run, dithers=dithers).to_dict(),
    }


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--device", help="where to compute, such as cpu or cuda")
    common.add_argument("--data-dir", help="folder that holds MNIST/raw")
    common.add_argument("--dithers", type=int, default=32, help="dither draws to average over (%(default)s)")
    common.add_argument("--threads", type=int, help="threads of torch; 1 is fastest for the digits")
    training = argparse.ArgumentParser(add_help=False)
    training.add_argument("--progress", action="store_true", help="show a bar over the epochs")

    parser = argparse.ArgumentParser(prog="python -m neural", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    train = commands.add_parser("train", parents=[common, training], help="train a codec end to end")
    train.add_argument("--recipe", choices=RECIPES, default="quick", help="configuration (%(default)s)")
    train.add_argument("--weight", type=float, default=0.0, help="classification weight λ_c (%(default)s)")
    train.add_argument("--seed", type=int, default=0, help="seed of everything random (%(default)s)")
    train.add_argument("--epochs", type=int, help="passes over the data, if not the recipe's")
    train.add_argument("--save", type=Path, metavar="FILE", help="where to write the run")

    universal = commands.add_parser(
        "universal", parents=[common, training], help="train new decoders on a run's frozen encoder"
    )
    universal.add_argument("run", type=Path, metavar="RUN", help="file written by train --save")
    universal.add_argument(
        "--weights", type=float, nargs="+", required=True, metavar="λ_c", help="one decoder for each"
    )
    universal.add_argument("--save", type=Path, metavar="FOLDER", help="where to write weight-*.pt")

    measure = commands.add_parser("evaluate", parents=[common], help="measure a saved run")
    measure.add_argument("run", type=Path, metavar="RUN", help="file written by train or universal")
    return parser


if __name__ == "__main__":
    main()
