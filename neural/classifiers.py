"""The classifier that codecs are trained against, and the judge that training never sees."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from torch import Tensor, nn

from . import models
from .config import Config
from .data import Dataset, load
from .fit import fit
from .losses import cross_entropy
from .networks import build_classifier
from .streams import Stream, seeded_weights

__all__ = ["pretrained_classifier", "pretrained_judge"]


def pretrained_classifier(config: Config) -> nn.Module:
    """Train the classifier of `config` on clean images and freeze it, once per process.

    Configurations that differ in the codec alone share it.

    Examples
    --------
    >>> first, second = Config(classifier_epochs=1), Config(classifier_epochs=1, levels=5)
    >>> pretrained_classifier(first) is pretrained_classifier(second)
    True
    """
    return _classifier(_reading_only(config))


def pretrained_judge(config: Config) -> nn.Module:
    """Train the judge of `config` on clean images and freeze it, once per process.

    Its architecture, weights and order of examples are independent of the classifier's, so it tells
    reconstructions that are easy to classify from reconstructions that please one classifier. Codecs of all seeds
    have the same judge: it is an instrument.

    Examples
    --------
    >>> config = Config(classifier_epochs=1)
    >>> pretrained_judge(config).training
    False
    """
    return _judge(
        Config(
            data=config.data,
            data_dir=config.data_dir,
            device=config.device,
            classifier_epochs=config.classifier_epochs,
        )
    )


@lru_cache(maxsize=16)
def _classifier(config: Config) -> nn.Module:
    data = load(config)
    return _train(
        lambda: build_classifier(config, data.pixels, data.classes),
        data,
        config,
        Stream.CLASSIFIER.of(config.seed),
    )


@lru_cache(maxsize=16)
def _judge(config: Config) -> nn.Module:
    data = load(config)
    return _train(
        lambda: models.judge(data.shape, data.classes, data.channels), data, config, Stream.JUDGE.of(config.seed)
    )


def _train(build: Callable[[], nn.Module], data: Dataset, config: Config, seed: int) -> nn.Module:
    with seeded_weights(seed):
        module = build().to(config.device)

    def loss(index: Tensor) -> Tensor:
        images, labels = data.train.batch(index)
        return cross_entropy(module(images), labels)

    fit(
        module,
        loss,
        len(data.train),
        epochs=config.classifier_epochs,
        batch_size=64,
        learning_rate=5e-3,
        betas=(0.9, 0.999),
        order=Stream.ORDER.generator(seed, config.device),
    )
    return module


def _reading_only(config: Config) -> Config:
    """Return the part of `config` that a classifier depends on, everything else at its default."""
    return Config(
        data=config.data,
        data_dir=config.data_dir,
        device=config.device,
        seed=config.seed,
        classifier_epochs=config.classifier_epochs,
        classifier_widths=config.classifier_widths,
        convolutional=config.convolutional,
    )
