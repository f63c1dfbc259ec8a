"""Codecs of words on MNIST: ``python -m benchmarks.best`` trains and measures them, and continues where it stopped."""

from __future__ import annotations

import argparse
import math
import sys
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import torch
from matplotlib.image import imsave

from benchmarks import store
from neural import load
from neural.best import WordCodec, best, train_words
from neural.classifiers import pretrained_judge

#: Weights of the cross-entropy in nats: that of the one model, none, and one between.
WEIGHTS = (0.015, 0.0, 0.01)

#: Titles and digits of the figures in the table.
COLUMNS = {
    "train": ("MSE, training", 5),
    "mse": ("MSE, test", 5),
    "entropy": ("H(Z) bits", 3),
    "equivocation": ("H(S\\|Z) bits", 3),
    "accuracy": ("accuracy of the word's class", 4),
    "judge_accuracy": ("accuracy of the judge", 4),
    "judge_accuracy_on_originals": ("of the judge on originals", 4),
}


def main(arguments: list[str] | None = None) -> int:
    """Measure the codecs that the file does not hold yet, print the table and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.best", description=__doc__)
    parser.add_argument("--data-dir", default="data", help="folder that holds MNIST/raw (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/best.jsonl"), help="default: %(default)s")
    parser.add_argument("--weights", type=float, nargs="+", default=WEIGHTS, metavar="λ_c", help="in nats")
    parser.add_argument("--seeds", type=int, default=3, help="repetitions (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        store.check_folder(options.out.parent)
    except OSError as error:
        print(f"cannot write rows to {options.out}: {error}", file=sys.stderr)
        return 2
    rows, made = store.Rows(options.out), store.provenance()
    done = {(row["weight"], row["seed"]) for row in rows.rows}
    for weight in options.weights:
        for seed in range(options.seeds):
            if (weight, seed) not in done:
                start = perf_counter()
                codec = train_words(best(classification_weight=weight, seed=seed, data_dir=options.data_dir))
                seconds = {"seconds": round(perf_counter() - start, 1), "words_seconds": round(codec.seconds, 1)}
                rows.append({"weight": weight, "seed": seed, **measure(codec), **seconds, "made": made})
                store.write(options.out.with_name(f"words-{weight:g}.png"), partial(draw, codec))
    print(table(rows))
    return 0


def measure(codec: WordCodec) -> dict[str, Any]:
    """Return the figures of a codec on training and test images, and the judge's."""
    config = codec.config
    data, pixels = load(config), load(config).pixels
    figures: dict[str, Any] = {"rate": codec.quantiser.rate}
    for name, split in (("train", data.train), ("test", data.test)):
        found = codec.measure(split)
        figures[name] = {
            "mse": found.distortion / pixels,
            "entropy": found.entropy,
            "equivocation": found.equivocation,
            "accuracy": found.accuracy,
        }
    figures["test"] |= judged(codec)
    fields = config.to_dict()
    del fields["data_dir"]
    return {**figures, "config": fields}


def judged(codec: WordCodec) -> dict[str, float]:
    """Return the judge's cross-entropy in bits and accuracy on reconstructed test images, and on the images."""
    test, judge = load(codec.config).test, pretrained_judge(codec.config)
    with torch.no_grad():
        images = test.images
        heard = judge(codec.decode(codec.encode(images))).double().log_softmax(1)
        clean = judge(images).argmax(1)
    return {
        "judge_cross_entropy": -heard.gather(1, test.labels[:, None]).mean().item() / math.log(2),
        "judge_accuracy": (heard.argmax(1) == test.labels).double().mean().item(),
        "judge_accuracy_on_originals": (clean == test.labels).double().mean().item(),
    }


def draw(codec: WordCodec, file: BinaryIO) -> None:
    """Write a picture of the words, class by class, nine in a row."""
    quantiser, (height, width) = codec.quantiser, load(codec.config).shape
    classes = quantiser.law if quantiser.posteriors is None else quantiser.posteriors.argmax(axis=1)
    sheet = np.zeros((-(-len(quantiser.words) // 9) * 9, height * width))
    sheet[: len(quantiser.words)] = quantiser.words[np.lexsort((-quantiser.law, classes))]
    rows = sheet.reshape(-1, 9, height, width).transpose(0, 2, 1, 3)
    imsave(file, rows.reshape(-1, 9 * width), cmap="gray_r", vmin=0, vmax=1, format="png")


def table(rows: store.Rows) -> str:
    """Return means over seeds ± their standard errors as a table in Markdown, one line a weight."""
    flat = pd.DataFrame({"weight": row["weight"], "train": row["train"]["mse"], **row["test"]} for row in rows.rows)
    means = flat.groupby("weight").agg(["mean", "sem", "size"])
    lines = ["| " + " | ".join(["λ_c (nats)", "seeds", *(title for title, _ in COLUMNS.values())]) + " |"]
    lines.append("|---" * (2 + len(COLUMNS)) + "|")
    for weight, line in means.iterrows():
        cells = [f"{weight:g}", f"{line['train', 'size']:.0f}"]
        for name, (_, digits) in COLUMNS.items():
            spread = f" ± {line[name, 'sem']:.{digits}f}" if line[name, "size"] > 1 else ""
            cells.append(f"{line[name, 'mean']:.{digits}f}{spread}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
