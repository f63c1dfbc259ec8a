"""Codecs of words: the encoder sees images alone and no encoder does better; the class costs distortion."""

import json
from dataclasses import replace
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import torch

from benchmarks import best as benchmark
from neural import Config, load
from neural.best import WordCodec, pretrained_reader, train_words


@pytest.fixture(scope="module")
def codec() -> WordCodec:
    return train_words(Config(classification_weight=0.02, epochs=8, classifier_epochs=3))


def test_no_encoder_of_the_image_expects_a_smaller_loss(codec: WordCodec) -> None:
    test, pixels = load(codec.config).test, load(codec.config).pixels
    with torch.no_grad():
        beliefs = codec.reader(test.images).double().softmax(1)
    told = torch.tensor(codec.quantiser.posteriors.copy())
    squares = (test.images[:, None].double() - codec.words.double()).square().sum(2) / pixels
    expected = squares - 0.02 * beliefs @ told.log().T
    torch.testing.assert_close(codec.encode(test.images), expected.argmin(1))


def test_figures_are_those_of_the_images_sent(codec: WordCodec) -> None:
    test = load(codec.config).test
    messages = codec.encode(test.images)
    figures = codec.measure(test)
    np.testing.assert_array_equal(figures.assignment, messages)
    error = (codec.decode(messages) - test.images).double().square().sum(1).mean()
    assert figures.distortion == pytest.approx(error.item(), rel=1e-5)
    law = torch.bincount(messages).double() / len(messages)
    assert figures.entropy == pytest.approx(-torch.xlogy(law, law).sum().item() / np.log(2))
    assert figures.entropy <= codec.quantiser.rate <= codec.config.rate + 1e-12


def test_the_class_is_told_at_a_cost(codec: WordCodec) -> None:
    test = load(codec.config).test
    plain = train_words(replace(codec.config, classification_weight=0.0))
    assert plain.reader is None
    blind, aware = plain.measure(test), codec.measure(test)
    assert aware.accuracy > 0.9 > blind.accuracy
    assert blind.distortion < aware.distortion < 1.2 * blind.distortion


def test_the_reader_is_all_that_depends_on_its_training(codec: WordCodec) -> None:
    reader, stopped = codec.reader, pretrained_reader(replace(codec.config, epochs=1))
    assert reader is pretrained_reader(codec.config)
    assert stopped is not reader
    assert not reader.training
    assert not any(weight.requires_grad for weight in reader.parameters())
    again = train_words(replace(codec.config, epochs=1))
    np.testing.assert_array_equal(again.quantiser.words, codec.quantiser.words)


def test_an_interrupted_measurement_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: WordCodec) -> None:
    monkeypatch.setattr(
        benchmark, "best", lambda *, classification_weight, seed, data_dir: replace(codec.config, seed=seed)
    )
    monkeypatch.setattr(benchmark, "train_words", lambda config: replace(codec, config=config))
    out = tmp_path / "rows.jsonl"
    arguments = ["--out", str(out), "--weights", "0.02", "--seeds"]
    benchmark.main([*arguments, "1"])
    benchmark.main([*arguments, "2"])
    first, second = (json.loads(line) for line in out.read_text().splitlines())
    assert (first["seed"], second["seed"]) == (0, 1)
    assert first["test"]["mse"] == codec.measure(load(codec.config).test).distortion / 64
    # Each seed has a judge of its own, and the table says by how much they differ.
    judged = [row["test"]["judge_accuracy"] for row in (first, second)]
    spread = f"{sum(judged) / 2:.4f} ± {abs(judged[0] - judged[1]) / 2:.4f}"
    assert spread in benchmark.table(benchmark.store.Rows(out))
    assert matplotlib.image.imread(tmp_path / "words-0.02.png").shape[:2] == (24, 72)


def test_the_page_shows_what_is_stored() -> None:
    root = Path(benchmark.__file__).parents[1]
    rows = benchmark.store.Rows(root / "benchmarks" / "results" / "best.jsonl")
    assert benchmark.table(rows) in (root / "docs" / "best.md").read_text()
