"""Train encoder and decoder together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .codec import build_codec
from .config import Config
from .group import Group
from .run import Run
from .together import Options, train_codecs

__all__ = ["train_end_to_end", "train_together"]


def train_end_to_end(config: Config, *, progress: bool = False) -> Run:
    """Train encoder and decoder together, against a frozen pre-trained classifier and a critic of its own.

    Each example of each batch has a dither of its own. The result depends on `config` alone: on the CPU it is
    the same to the last bit, and torch's global random numbers are neither used nor moved. The critic, where there is
    perception in the loss, makes one step before each step of the codec, on batches and dithers of its own.

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
    return train_together([config], progress=progress)[0]


def train_together(
    configs: Sequence[Config], *, progress: bool = False, checkpoint: Path | None = None, graph: bool = False
) -> tuple[Run, ...]:
    """Train codecs that differ in their weights and seeds only, each as `train_end_to_end` would, all at once.

    Parameters
    ----------
    configs
        What to train.
    progress
        Show a bar over the epochs.
    checkpoint
        A file from which an interrupted training goes on.
    graph
        On CUDA, record a step once and replay it.

    Returns
    -------
    tuple of Run
        One a configuration, in order.

    Raises
    ------
    FloatingPointError
        If a loss stops being finite.
    ValueError
        If two configurations differ in more, or one has no base encoder to refine.

    Examples
    --------
    >>> configs = [Config(epochs=1, classifier_epochs=1, classification_weight=weight) for weight in (0.0, 0.01)]
    >>> [run.config.classification_weight for run in train_together(configs)]
    [0.0, 0.01]
    """
    group = Group(configs)
    if group.config.base_dimension:
        raise ValueError("a refinement needs an encoder to refine; use train_refinements")
    codecs = [build_codec(config, group.data.pixels) for config in configs]
    return train_codecs(
        group,
        codecs,
        lambda codec: (codec.encoder, codec.decoder),
        lambda _, images, encoder: encoder(images),
        [None] * len(codecs),
        Options(progress, checkpoint, graph),
    )
