"""Which networks a configuration describes; layers draw their weights from torch's global generator."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from . import convolutional, models
from .config import Config
from .quantizer import Quantizer

__all__ = ["Refined", "build_classifier", "build_critic", "build_decoder", "build_encoder", "build_quantizer"]


class Refined(nn.Module):
    """Join a frozen encoder and one that refines it: images (n, pixels) to the features (n, d) of both.

    Parameters
    ----------
    base, refinement
        The two encoders; the features of `base` come first.

    Examples
    --------
    >>> Refined(nn.Linear(4, 2), nn.Linear(4, 1))(torch.zeros(5, 4)).shape
    torch.Size([5, 3])
    """

    def __init__(self, base: nn.Module, refinement: nn.Module) -> None:
        super().__init__()
        self.base = base
        self.refinement = refinement

    def forward(self, images: Tensor) -> Tensor:
        """Return the features of both."""
        return torch.cat([self.base(images), self.refinement(images)], -1)


def build_encoder(config: Config, pixels: int) -> nn.Module:
    """Build the encoder, images (n, pixels) to features (n, d)."""
    colour = config.convolutional and pixels % 3 == 0
    plain = partial(models.encoder, pixels, config.encoder_widths)
    build = partial(convolutional.encoder, pixels) if colour else plain
    parts = [config.base_dimension, config.dimension - config.base_dimension]
    first, *second = [build(dimension, bounded=config.clipped) for dimension in parts if dimension]
    return Refined(first, *second) if second else first


def build_decoder(config: Config, pixels: int) -> nn.Module:
    """Build the decoder, received latents (n, d) to images (n, pixels)."""
    if config.convolutional:
        return convolutional.decoder(config.dimension, pixels)
    return models.decoder(config.dimension, config.decoder_widths, pixels)


def build_quantizer(config: Config) -> Quantizer:
    """Build the quantiser."""
    return Quantizer(config.dimension, config.levels, config.clipped)


def build_critic(config: Config, pixels: int) -> nn.Module:
    """Build the critic, images (n, pixels) to scores (n, 1)."""
    return convolutional.critic(pixels) if config.convolutional else models.critic(pixels, config.critic_widths)


def build_classifier(config: Config, pixels: int, classes: int) -> nn.Module:
    """Build the classifier, images (n, pixels) to logits (n, classes)."""
    if config.convolutional:
        return convolutional.classifier(pixels, classes)
    return models.classifier(pixels, config.classifier_widths, classes)
