"""The literature's convolutional networks, for images of 28x28 pixels or, in colour, of 32x32."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from .models import features, normalised

__all__ = ["classifier", "critic", "decoder", "encoder"]

_SHAPES = {784: (1, 28, 28), 3072: (3, 32, 32)}
_WIDTHS = (64, 128, 256)
_LAST = 256 * 4 * 4  # 28 -> 14 -> 7 -> 4 and 32 -> 16 -> 8 -> 4


def encoder(pixels: int, dimension: int, *, bounded: bool = True) -> nn.Sequential:
    """Build an encoder, images (n, pixels) to features (n, d): convolutions 5x5 of stride 2, then as the plain one.

    Examples
    --------
    >>> import torch
    >>> encoder(3072, 10)(torch.zeros(2, 3072)).shape
    torch.Size([2, 10])
    """
    shape = _shape(pixels)
    layers: list[nn.Module] = [nn.Unflatten(1, shape)]
    for fan_in, fan_out in pairwise([shape[0], *_WIDTHS]):
        layers += [
            nn.Conv2d(fan_in, fan_out, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(fan_out),
            nn.LeakyReLU(0.01),
        ]
    return nn.Sequential(*layers, nn.Flatten(), *features(_LAST, dimension, bounded))


def decoder(dimension: int, pixels: int) -> nn.Sequential:
    """Build the decoder, received latents (n, d) to images (n, pixels) in [0, 1].

    For 28x28 pixels it is the literature's: d-128-512, read as 32x4x4, then transposed convolutions 5x5 of stride
    2 to 64 and 128 planes and 4x4 of stride 1 to the image. For 32x32 it mirrors the encoder.

    Raises
    ------
    ValueError
        If the images have another shape.

    References
    ----------
    Zhang, Qian, Chen and Khisti, arXiv:2106.10311, appendix on the experiments.

    Examples
    --------
    >>> import torch
    >>> decoder(3, 784)(torch.zeros(2, 3)).shape, decoder(10, 3072)(torch.zeros(2, 10)).shape
    (torch.Size([2, 784]), torch.Size([2, 3072]))
    """
    channels, height, _ = _shape(pixels)
    if height == 28:
        start, sizes = (32, 4, 4), [(64, 5, 2, 0), (128, 5, 2, 0), (channels, 4, 1, 0)]
        layers = normalised([dimension, 128, 512])
    else:
        start, sizes = (256, 4, 4), [(128, 4, 2, 1), (64, 4, 2, 1), (channels, 4, 2, 1)]
        layers = normalised([dimension, _LAST])
    layers.append(nn.Unflatten(1, start))
    planes = start[0]
    for wanted, kernel, stride, padding in sizes:
        layers += [
            nn.ConvTranspose2d(planes, wanted, kernel, stride, padding),
            nn.BatchNorm2d(wanted),
            nn.LeakyReLU(0.01),
        ]
        planes = wanted
    return nn.Sequential(*layers[:-2], nn.Sigmoid(), nn.Flatten())


def critic(pixels: int) -> nn.Sequential:
    """Build the critic, images (n, pixels) to scores (n, 1): convolutions 5x5 of stride 2 and no normalisation.

    Examples
    --------
    >>> import torch
    >>> critic(784)(torch.zeros(2, 784)).shape
    torch.Size([2, 1])
    """
    shape = _shape(pixels)
    layers: list[nn.Module] = [nn.Unflatten(1, shape)]
    for fan_in, fan_out in pairwise([shape[0], *_WIDTHS]):
        layers += [nn.Conv2d(fan_in, fan_out, 5, stride=2, padding=2), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(_LAST, 1))


def classifier(pixels: int, classes: int) -> nn.Sequential:
    """Build the classifier that codecs are trained against, images (n, pixels) to logits (n, classes).

    Convolutions 5x5 to 16 and 32 planes, each followed by ReLU and the maximum of 2x2 pixels, then 100 units.

    Examples
    --------
    >>> import torch
    >>> classifier(784, 10)(torch.zeros(2, 784)).shape
    torch.Size([2, 10])
    """
    channels, height, width = _shape(pixels)
    return nn.Sequential(
        nn.Unflatten(1, (channels, height, width)),
        *(nn.Conv2d(channels, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * (height // 4) * (width // 4), 100), nn.ReLU()),
        nn.Linear(100, classes),
    )


def _shape(pixels: int) -> tuple[int, int, int]:
    """Return (channels, height, width) of the images that have so many pixels."""
    if pixels not in _SHAPES:
        raise ValueError(
            f"convolutional networks are for images of {' or '.join(map(str, _SHAPES))} pixels, colours counted one "
            f"by one (got {pixels}); use convolutional=False"
        )
    return _SHAPES[pixels]
