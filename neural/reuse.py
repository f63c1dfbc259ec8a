"""Train new decoders on frozen encoders, and encoders that refine frozen ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from . import models
from .codec import Codec, build_codec
from .config import Config, Weights
from .group import Group
from .networks import Refined, build_decoder
from .run import Run
from .streams import Stream, seeded_weights
from .together import Options, train_codecs

__all__ = ["train_decoders", "train_refinements", "train_universal"]


def train_universal(run: Run, weights: Iterable[float | Weights], *, progress: bool = False) -> tuple[Run, ...]:
    """Train one new decoder for each weight on the frozen encoder of `run`, all at once.

    The encoder is shared, not copied, and stays as it is to the last bit, batch statistics included. All
    decoders start from the same weights and see the same examples and dithers, so they differ by their loss
    only.

    Parameters
    ----------
    run
        A run trained end to end, whose encoder is reused.
    weights
        Weights of the new decoders' losses; a number is a classification weight λ_c beside the others of `run`.
    progress
        Show a bar over the epochs.

    Returns
    -------
    tuple of Run
        One a weight, in order, with ``encoder`` the configuration of `run`.

    Raises
    ------
    FloatingPointError
        If the loss stops being finite.
    ValueError
        If a weight is negative.

    Examples
    --------
    >>> from neural import Config, train_end_to_end
    >>> run = train_end_to_end(Config(epochs=1, classifier_epochs=1))
    >>> reused = train_universal(run, [0.0, 0.01])
    >>> [(new.config.classification_weight, new.encoder == run.config) for new in reused]
    [(0.0, True), (0.01, True)]
    """
    wanted = [_weights(run, weight) for weight in weights]
    runs: dict[Weights, Run] = {}
    # Decoders with a critic cannot be stacked with decoders without one.
    for critic in (False, True):
        some = [each for each in dict.fromkeys(wanted) if (each.perception > 0) is critic]
        if some:
            trained = train_decoders([(run, each) for each in some], progress=progress)
            runs |= dict(zip(some, trained, strict=True))
    return tuple(runs[each] for each in wanted)


def train_decoders(
    pairs: Sequence[tuple[Run, Weights]],
    *,
    progress: bool = False,
    checkpoint: Path | None = None,
    graph: bool = False,
) -> tuple[Run, ...]:
    """Train one new decoder for each run and weights, on the frozen encoder of the run, all at once.

    Parameters
    ----------
    pairs
        Runs that are alike, and the weights of the new losses: with perception in each or in none.
    progress, checkpoint, graph
        As in `train_together`.

    Returns
    -------
    tuple of Run
        One a pair, in order.

    Raises
    ------
    FloatingPointError
        If a loss stops being finite.
    ValueError
        If the new configurations are not alike.

    Examples
    --------
    >>> from neural import Config, train_end_to_end
    >>> run = train_end_to_end(Config(epochs=1, classifier_epochs=1))
    >>> [reused] = train_decoders([(run, Weights(perception=0.01))])
    >>> reused.universal, reused.codec.encoder is run.codec.encoder
    (True, True)
    """
    configs = [run.config.weighing(weights) for run, weights in pairs]

    def build(run: Run, config: Config, pixels: int) -> Codec:
        with seeded_weights(config.seed):
            decoder = build_decoder(config, pixels).to(config.device)
        return Codec(run.codec.encoder, run.codec.quantizer, decoder)

    return _train_on_frozen(
        [run for run, _ in pairs],
        configs,
        Stream.UNIVERSAL,
        build,
        lambda codec: (codec.decoder,),
        lambda features, _: features,
        [run.config if run.encoder is None else run.encoder for run, _ in pairs],
        Options(progress, checkpoint, graph),
    )


def train_refinements(
    pairs: Sequence[tuple[Run, Weights]],
    dimension: int,
    *,
    progress: bool = False,
    checkpoint: Path | None = None,
    graph: bool = False,
) -> tuple[Run, ...]:
    """Train a second encoder beside each run's frozen one, and a decoder that reads the messages of both.

    The first message is the run's own, to the last bit, so that its receivers are served as before, and those who
    get `dimension` more latents are served better.

    Parameters
    ----------
    pairs
        Runs that are alike, and the weights of the new losses: with perception in each or in none.
    dimension
        Latents of the second encoder; their levels are those of the run.
    progress, checkpoint, graph
        As in `train_together`.

    Returns
    -------
    tuple of Run
        One a pair, in order.

    Raises
    ------
    FloatingPointError
        If a loss stops being finite.
    ValueError
        If the new configurations are not alike, `dimension` is less than 1, or a run is a refinement itself.

    References
    ----------
    Zhang, Qian, Chen and Khisti, arXiv:2106.10311, section 5, on successive refinement.

    Examples
    --------
    >>> from neural import Config, train_end_to_end
    >>> run = train_end_to_end(Config(epochs=1, classifier_epochs=1))
    >>> [refined] = train_refinements([(run, Weights())], dimension=1)
    >>> round(refined.config.rate - run.config.rate, 3)
    1.585
    """
    if any(run.config.base_dimension for run, _ in pairs):
        raise ValueError("a refinement cannot be refined again; refine its base with a larger dimension")
    if dimension < 1:
        raise ValueError(f"dimension must be >= 1 (got {dimension}); a refinement sends something")
    configs = [
        replace(run.config, base_dimension=run.config.dimension, dimension=run.config.dimension + dimension)
        for run, _ in pairs
    ]
    configs = [config.weighing(weights) for config, (_, weights) in zip(configs, pairs, strict=True)]

    def build(run: Run, config: Config, pixels: int) -> Codec:
        fresh = build_codec(config, pixels)
        return Codec(Refined(run.codec.encoder, _refinement(fresh)), fresh.quantizer, fresh.decoder)

    return _train_on_frozen(
        [run for run, _ in pairs],
        configs,
        Stream.REFINEMENT,
        build,
        lambda codec: (_refinement(codec), codec.decoder),
        lambda features, images, encoder: torch.cat([features, encoder(images)], -1),
        [run.config for run, _ in pairs],
        Options(progress, checkpoint, graph),
    )


def _train_on_frozen(
    runs: Sequence[Run],
    configs: Sequence[Config],
    stream: Stream,
    build: Callable[[Run, Config, int], Codec],
    parts: Callable[[Codec], tuple[nn.Module, ...]],
    encode: Callable[..., Tensor],
    origins: Sequence[Config],
    options: Options,
) -> tuple[Run, ...]:
    """Train `parts` of the codecs that are built from runs, whose encoders stay as they are.

    `encode` computes what is sent from the features of the frozen encoders, the images, and the parts but the decoder.
    """
    group = Group(configs, stream.of)
    codecs = [
        build(run, replace(config, seed=seed), group.data.pixels)
        for run, config, seed in zip(runs, configs, group.seeds, strict=True)
    ]
    frozen = _FrozenFeatures([run.codec.encoder for run in runs], group)

    def features(index: Tensor, images: Tensor, *encoders: nn.Module) -> Tensor:
        return encode(frozen(index), images, *encoders)

    return train_codecs(group, codecs, parts, features, origins, options)


class _FrozenFeatures:
    """The features of all training images: a frozen encoder is a fixed function, so once is enough."""

    def __init__(self, encoders: Sequence[nn.Module], group: Group) -> None:
        distinct = list(dict.fromkeys(encoders))
        models.freeze(*distinct)
        images = group.data.train.images
        self._table = torch.stack([models.in_blocks(encoder, images) for encoder in distinct])
        places = [distinct.index(encoder) for encoder in encoders]
        self._which = torch.tensor(places, device=self._table.device)[:, None]

    def __call__(self, index: Tensor) -> Tensor:
        """Return the features (n, d) or (E, n, d) of the images at the indices (n,) or (E, n)."""
        return self._table[self._which[0] if index.ndim == 1 else self._which, index]


def _refinement(codec: Codec) -> nn.Module:
    assert isinstance(codec.encoder, Refined)
    return codec.encoder.refinement


def _weights(run: Run, weight: float | Weights) -> Weights:
    return weight if isinstance(weight, Weights) else replace(run.config.weights, classification=weight)
