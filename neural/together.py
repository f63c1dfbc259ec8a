"""The training that end-to-end codecs, universal decoders and refinements share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor, nn

from .classifiers import pretrained_classifier
from .codec import Codec
from .config import Config
from .ensemble import Ensemble, join
from .fit import Opponent, fit
from .group import Group
from .losses import Loss, penalised
from .networks import build_critic
from .run import Run
from .streams import Stream, seeded_weights

__all__ = ["Options", "train_codecs"]

Reconstruct = Callable[[Tensor, Tensor, Group], Tensor]


@dataclass(frozen=True)
class Options:
    """Hold how a training is run, which changes nothing in what comes out."""

    progress: bool = False
    checkpoint: Path | None = None
    graph: bool = False


def train_codecs(
    group: Group,
    codecs: Sequence[Codec],
    parts: Callable[[Codec], tuple[nn.Module, ...]],
    encode: Callable[..., Tensor],
    origins: Sequence[Config | None],
    options: Options,
) -> tuple[Run, ...]:
    """Train `parts` of each codec, the decoder last.

    `encode` computes features from the indices of training images, the images, and the parts but the decoder.
    """
    config, train, quantizer = group.config, group.data.train, codecs[0].quantizer
    columns = list(zip(*map(parts, codecs), strict=True))
    trained = nn.ModuleList([join(column) for column in columns])
    *encoders, decoder = trained
    classifiers = group.classifiers()
    rival = _opponent(group, lambda *given: reconstruct(*given)) if config.perception_weight > 0 else None
    objective = Loss(
        group.weight(lambda weights: weights.distortion),
        group.weight(lambda weights: weights.classification),
        classifiers,
        group.weight(lambda weights: weights.perception),
        None if rival is None else rival.module,
    )
    half = partial(torch.autocast, torch.device(config.device).type, torch.bfloat16, enabled=config.bf16)

    def reconstruct(index: Tensor, images: Tensor, drawing: Group) -> Tensor:
        with half():
            features = encode(index, images, *encoders).to(images.dtype)
            dither = drawing.draw(lambda generator: quantizer.dither(index.shape[-1], generator))
            received: Tensor = decoder(quantizer(features, dither))
        return received.to(images.dtype)

    def loss(index: Tensor) -> Tensor:
        index = group.own(index)
        images, labels = train.batch(index)
        with half():
            return objective(images, reconstruct(index, images, group), labels)

    start = perf_counter()
    history = fit(
        trained,
        loss,
        len(train),
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        betas=config.betas,
        drop_epoch=config.drop_epoch,
        order=group.order,
        opponent=rival,
        noise=group.noise,
        checkpoint=options.checkpoint,
        graph=options.graph,
        progress=options.progress,
    )
    seconds = (perf_counter() - start) / len(codecs)
    for joined, column in zip(trained, columns, strict=True):
        if isinstance(joined, Ensemble):
            joined.copy_to(column)
    losses = [tuple(epoch) for epoch in zip(*history, strict=True)] if len(codecs) > 1 else [history]
    return tuple(
        Run(each, codec, pretrained_classifier(each), loss, seconds, origin)
        for each, codec, loss, origin in zip(group.configs, codecs, losses, origins, strict=True)
    )


def _opponent(group: Group, reconstruct: Reconstruct) -> Opponent:
    """Return the critics, who learn to tell images from reconstructions on batches and dithers of their own."""
    own = Group(group.configs, lambda seed: Stream.CRITIC.of(group.stream(seed)))
    built = []
    for config, seed in zip(own.configs, own.seeds, strict=True):
        with seeded_weights(seed):
            built.append(build_critic(config, own.data.pixels).to(config.device))
    critic, penalty = join(built), group.config.gradient_penalty

    def loss(index: Tensor) -> Tensor:
        index = own.own(index)
        images, _ = own.data.train.batch(index)
        with torch.no_grad():
            reconstructions = reconstruct(index, images, own)
        places = own.draw(
            lambda generator: torch.rand(index.shape[-1], 1, generator=generator, device=generator.device)
        )
        return penalised(critic, images, reconstructions, places, penalty)

    return Opponent(critic, loss, group.config.critic_learning_rate, own.order, own.noise)
