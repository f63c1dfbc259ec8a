"""Encoder, dithered quantiser and decoder, joined."""

from __future__ import annotations

from torch import Tensor, nn

from .config import Config
from .networks import build_decoder, build_encoder, build_quantizer
from .quantizer import Quantizer
from .streams import seeded_weights

__all__ = ["Codec", "build_codec"]


class Codec(nn.Module):
    """Compress images to messages of d·log2 L bits and back, with a dither that both ends share.

    ::

        images (n, pixels) ──► encoder ──► features (n, d) ──► + ──► nearest centre ──► message (n,)
        in [0, 1]                          in [-1, 1]          ▲     z (n, d)           0..L^d-1
                                                               │                           │
                                             dither u (n, d) ──┤                           │
                                             U(-Δ/2, Δ/2)      ▼                           ▼
        images (n, pixels) ◄── decoder ◄── z - u (n, d) ◄───── - ◄─────────────────── z (n, d)
        in [0, 1]

    `encode` is the upper row, `decode` the lower one. `forward` is one after the other, with the gradient
    passed straight through the quantiser.

    Parameters
    ----------
    encoder, quantizer, decoder
        Its three parts.

    Examples
    --------
    >>> import torch
    >>> codec = build_codec(Config(encoder_widths=(8,), decoder_widths=(8,)), pixels=64).eval()
    >>> images, dither = torch.rand(5, 64), codec.quantizer.dither(1, torch.Generator().manual_seed(0))
    >>> message = codec.encode(images, dither)
    >>> bool((codec.decode(message, dither) == codec(images, dither)).all())
    True
    """

    def __init__(self, encoder: nn.Module, quantizer: Quantizer, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.quantizer = quantizer
        self.decoder = decoder

    def forward(self, images: Tensor, dither: Tensor) -> Tensor:
        """Return reconstructions (n, pixels) of images (n, pixels) under dithers (n, d) or (1, d)."""
        reconstructions: Tensor = self.decoder(self.quantizer(self.encoder(images), dither))
        return reconstructions

    def encode(self, images: Tensor, dither: Tensor) -> Tensor:
        """Return the messages (n,), integers in 0..L^d-1."""
        return self.quantizer.codes(self.encoder(images), dither)

    def decode(self, messages: Tensor, dither: Tensor) -> Tensor:
        """Return reconstructions (n, pixels) from the messages (n,) and the dither alone."""
        reconstructions: Tensor = self.decoder(self.quantizer.receive(messages, dither))
        return reconstructions


def build_codec(config: Config, pixels: int) -> Codec:
    """Build an untrained codec, the same for the same seed, on the device of `config`."""
    with seeded_weights(config.seed):
        encoder = build_encoder(config, pixels)
        decoder = build_decoder(config, pixels)
    return Codec(encoder, build_quantizer(config), decoder).to(config.device)
