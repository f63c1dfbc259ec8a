"""Train codecs end to end, and new decoders on a codec's frozen encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from time import perf_counter

import torch
from torch import Tensor, nn

from . import models
from .classifiers import pretrained_classifier
from .codec import Codec, build_codec
from .config import Config
from .data import load
from .fit import fit
from .losses import Loss
from .run import Run
from .streams import Stream, seeded_weights

__all__ = ["train_end_to_end", "train_universal"]


def train_end_to_end(config: Config, *, progress: bool = False) -> Run:
    """Train encoder and decoder together, against a frozen pre-trained classifier.

    Each example of each batch has a dither of its own. The result depends on `config` alone: on the CPU it is
    the same to the last bit, and torch's global random numbers are neither used nor moved.

    Parameters
    ----------
    config
        What to train on, its shape and how.
    progress
        Show a bar over the epochs.

    Returns
    -------
    Run
        The frozen codec and its provenance.

    Raises
    ------
    FloatingPointError
        If the loss stops being finite.
    ValueError
        If the device is not available.

    References
    ----------
    Zhang, Qian, Chen and Khisti, arXiv:2106.10311, for the codec; Zhang, arXiv:2405.03500, for the loss.

    Examples
    --------
    >>> run = train_end_to_end(Config(epochs=3, classifier_epochs=1))
    >>> run.history[-1] < run.history[0]
    True
    """
    data = load(config)
    classifier = pretrained_classifier(config)
    codec = build_codec(config, data.pixels)
    objective = Loss(config.distortion_weight, config.classification_weight, classifier)
    noise = Stream.DITHER.generator(config.seed, config.device)

    def loss(index: Tensor) -> Tensor:
        images, labels = data.train.batch(index)
        dither = codec.quantizer.dither(len(index), noise)
        return objective(images, codec(images, dither), labels)

    start = perf_counter()
    history = _fit(codec, loss, len(data.train), config, config.seed, progress)
    return Run(config, codec, classifier, history, perf_counter() - start)


def train_universal(run: Run, weights: Iterable[float], *, progress: bool = False) -> tuple[Run, ...]:
    """Train one new decoder per classification weight on the frozen encoder of `run`.

    The encoder is shared, not copied, and stays as it is to the last bit, batch statistics included. All
    decoders start from the same weights and see the same examples and dithers, so they differ by their loss
    only.

    Parameters
    ----------
    run
        A run trained end to end, whose encoder is reused.
    weights
        Classification weights λ_c of the new decoders.
    progress
        Show a bar over the epochs of each.

    Returns
    -------
    tuple of Run
        One a weight, in order, with ``encoder_weight`` that of `run`.

    Raises
    ------
    FloatingPointError
        If the loss stops being finite.
    ValueError
        If a weight is negative.

    Examples
    --------
    >>> run = train_end_to_end(Config(epochs=1, classifier_epochs=1))
    >>> reused = train_universal(run, [0.0, 0.01])
    >>> [(new.config.classification_weight, new.encoder_weight) for new in reused]
    [(0.0, 0.0), (0.01, 0.0)]
    """
    configs = [replace(run.config, classification_weight=weight) for weight in weights]
    features = _frozen_features(run)
    return tuple(_train_decoder(run, features, config, progress) for config in configs)


def _frozen_features(run: Run) -> Tensor:
    """Return the features of all training images: the encoder is a fixed function, so once is enough."""
    encoder = run.codec.encoder
    models.freeze(encoder)
    with torch.no_grad():
        features: Tensor = encoder(run.data.train.images)
    return features


def _train_decoder(run: Run, features: Tensor, config: Config, progress: bool) -> Run:
    seed = Stream.UNIVERSAL.of(config.seed)
    data, quantizer = run.data, run.codec.quantizer
    with seeded_weights(seed):
        decoder = models.decoder(config.dimension, config.decoder_widths, data.pixels).to(config.device)
    objective = Loss(config.distortion_weight, config.classification_weight, run.classifier)
    noise = Stream.DITHER.generator(seed, config.device)

    def loss(index: Tensor) -> Tensor:
        images, labels = data.train.batch(index)
        dither = quantizer.dither(len(index), noise)
        return objective(images, decoder(quantizer(features[index], dither)), labels)

    start = perf_counter()
    history = _fit(decoder, loss, len(data.train), config, seed, progress)
    codec = Codec(run.codec.encoder, quantizer, decoder)
    weight = run.config.classification_weight if run.encoder_weight is None else run.encoder_weight
    return Run(config, codec, run.classifier, history, perf_counter() - start, encoder_weight=weight)


def _fit(
    module: nn.Module, loss: Callable[[Tensor], Tensor], count: int, config: Config, seed: int, progress: bool
) -> tuple[float, ...]:
    return fit(
        module,
        loss,
        count,
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        betas=config.betas,
        order=Stream.ORDER.generator(seed, config.device),
        progress=progress,
    )
