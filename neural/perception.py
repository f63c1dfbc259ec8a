"""How far the law of reconstructions is from that of images, by judges that training never saw."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
import torch
from torch import Tensor, nn

from .fit import fit
from .losses import penalised, wasserstein
from .models import in_blocks
from .networks import build_critic
from .run import Run
from .streams import Stream, seeded_weights

__all__ = ["Perception", "perceive", "transport"]


@dataclass(frozen=True)
class Perception:
    """Hold distances between the laws of reconstructions and of held-out images, in the Euclidean norm of images.

    Parameters
    ----------
    critic
        Wasserstein-1 as a critic finds it that was trained afterwards, on the frozen codec: scores on held-out
        images, divided by the norm of the critic's gradient between them. An estimate from below.
    transport
        Wasserstein-1 between equally many reconstructions and other held-out images. An estimate from above: samples
        of the same law are `transport_floor` apart.
    transport_floor
        The same between two halves of the held-out images.
    samples
        How many on each side.
    critic_error, transport_error, transport_floor_error
        Standard errors over draws of dithers and halves, for one critic.
    """

    critic: float
    transport: float
    transport_floor: float
    samples: int
    critic_error: float
    transport_error: float
    transport_floor_error: float


def transport(first: Tensor, second: Tensor) -> float:
    """Return the Wasserstein-1 distance between two samples (n, k) of equally many points, by exact transport.

    Examples
    --------
    >>> round(transport(torch.zeros(2, 3), torch.tensor([[3.0, 0.0, 4.0], [0.0, 1.0, 0.0]])), 6)
    3.0
    """
    import ot  # it loads what the rest of this package does without

    costs = ot.dist(first.double().cpu().numpy(), second.double().cpu().numpy(), metric="euclidean")
    even = np.full(len(first), 1 / len(first))
    return float(ot.emd2(even, even, costs, numItermax=10**7))


def perceive(run: Run, *, draws: int = 4, samples: int = 1000, steps: int = 500, seed: int = 0) -> Perception:
    """Measure how far the reconstructions of `run` are from the images, as laws.

    Each reconstruction has a dither of its own, so that the law is that over images and dithers.

    Parameters
    ----------
    run
        What to measure.
    draws
        Fresh dithers and halves, at least 2.
    samples
        Points on each side of the transport; at most half the test images are used.
    steps
        Steps of the judge's training, of 256 training images each.
    seed
        The seed of the judge and of the draws.

    Raises
    ------
    ValueError
        If `draws` is less than 2.

    Examples
    --------
    >>> from neural import Config, train_end_to_end
    >>> run = train_end_to_end(Config(epochs=1, classifier_epochs=1))
    >>> found = perceive(run, draws=2, steps=10)
    >>> found.transport_floor < found.transport, found.samples
    (True, 298)
    """
    if draws < 2:
        raise ValueError(f"draws must be >= 2 (got {draws}); a standard error needs two draws")
    noise = Stream.MEASURE.generator(Stream.CRITIC.of(seed), run.config.device)
    critic = _judge(run, seed, steps, noise)
    images = run.data.test.images
    samples = min(samples, len(images) // 2)
    rows = []
    for _ in range(draws):
        reconstructions = _reconstruct(run, in_blocks(run.codec.encoder, images), noise)
        order = torch.randperm(len(images), generator=noise, device=noise.device)
        here, there = order[:samples], order[samples : 2 * samples]
        rows.append(
            (
                _distance(critic, images, reconstructions),
                transport(reconstructions[here], images[there]),
                transport(images[here], images[there]),
            )
        )
    means = [fmean(column) for column in zip(*rows, strict=True)]
    errors = [stdev(column) / math.sqrt(draws) for column in zip(*rows, strict=True)]
    return Perception(means[0], means[1], means[2], samples, *errors)


def _judge(run: Run, seed: int, steps: int, noise: torch.Generator) -> nn.Module:
    train, fresh = run.data.train, Stream.JUDGE.of(seed)
    with seeded_weights(fresh):
        critic = build_critic(run.config, run.data.pixels).to(run.config.device)
    features = in_blocks(run.codec.encoder, train.images)

    def loss(index: Tensor) -> Tensor:
        images, _ = train.batch(index)
        reconstructions = _reconstruct(run, features[index], noise)
        places = torch.rand(len(index), 1, generator=noise, device=noise.device)
        return penalised(critic, images, reconstructions, places, run.config.gradient_penalty)

    size = min(256, len(train))
    fit(
        critic,
        loss,
        len(train),
        epochs=max(1, round(steps * size / len(train))),
        batch_size=size,
        learning_rate=1e-3,
        betas=(0.5, 0.9),
        order=Stream.ORDER.generator(fresh, run.config.device),
    )
    return critic


def _reconstruct(run: Run, features: Tensor, noise: torch.Generator) -> Tensor:
    quantizer = run.codec.quantizer
    received = quantizer(features, quantizer.dither(len(features), noise))
    return in_blocks(run.codec.decoder, received)


def _distance(critic: nn.Module, images: Tensor, reconstructions: Tensor) -> float:
    """Return the difference of mean scores by the norm of the gradient half way: a slope above 1 is no distance."""
    norms = []
    for some, others in zip(torch.split(images, 4096), torch.split(reconstructions, 4096), strict=True):
        between = ((some + others) / 2).requires_grad_()
        (gradient,) = torch.autograd.grad(critic(between).sum(), between)
        norms.append(gradient.square().sum(1))
    slope = torch.cat(norms).mean().sqrt()
    with torch.no_grad():
        return (wasserstein(critic, images, reconstructions) / slope).item()
