"""The networks without convolutions, and the judge; each a plain stack of layers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

__all__ = ["classifier", "critic", "decoder", "encoder", "features", "freeze", "in_blocks", "judge", "normalised"]


def encoder(pixels: int, widths: Sequence[int], dimension: int, *, bounded: bool = True) -> nn.Sequential:
    """Build the encoder, images (n, pixels) to features (n, d) in [-1, 1].

    Hidden layers are Linear, BatchNorm and LeakyReLU(0.01), the last is Linear, BatchNorm and Tanh. The last
    normalisation keeps the features spread over the quantiser's range; without it training collapses.
    On MNIST the literature has ``widths = (512, 256, 128, 128)``. If not `bounded`, the last layer is Linear and a
    BatchNorm without gain: features of mean 0 and variance 1.

    References
    ----------
    Zhang, Qian, Chen and Khisti, arXiv:2106.10311, appendix on the experiments.

    Examples
    --------
    >>> [layer for layer in encoder(64, (16,), 3) if isinstance(layer, nn.Linear)]
    [Linear(in_features=64, out_features=16, bias=False), Linear(in_features=16, out_features=3, bias=False)]
    """
    return nn.Sequential(*normalised([pixels, *widths]), *features([pixels, *widths][-1], dimension, bounded))


def decoder(dimension: int, widths: Sequence[int], pixels: int) -> nn.Sequential:
    """Build the decoder, received latents (n, d) to images (n, pixels) in [0, 1].

    Hidden layers are Linear, BatchNorm and LeakyReLU(0.01), the last is Linear and Sigmoid.

    Examples
    --------
    >>> decoder(3, (16,), 64)[-2:]
    Sequential(
      (3): Linear(in_features=16, out_features=64, bias=True)
      (4): Sigmoid()
    )
    """
    stack = [dimension, *widths]
    return nn.Sequential(*normalised(stack), nn.Linear(stack[-1], pixels), nn.Sigmoid())


def classifier(pixels: int, widths: Sequence[int], classes: int) -> nn.Sequential:
    """Build the classifier that codecs are trained against, images (n, pixels) to logits (n, classes).

    Examples
    --------
    >>> classifier(64, (32,), 10)
    Sequential(
      (0): Linear(in_features=64, out_features=32, bias=True)
      (1): ReLU()
      (2): Linear(in_features=32, out_features=10, bias=True)
    )
    """
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise([pixels, *widths, classes]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def critic(pixels: int, widths: Sequence[int]) -> nn.Sequential:
    """Build a critic without convolutions, images (n, pixels) to scores (n, 1), with LeakyReLU(0.2) in between.

    It has no normalisation: the gradient penalty is about each image by itself.

    Examples
    --------
    >>> [type(layer).__name__ for layer in critic(64, (16,))]
    ['Linear', 'LeakyReLU', 'Linear']
    """
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise([pixels, *widths, 1]):
        layers += [nn.Linear(fan_in, fan_out), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


def judge(shape: tuple[int, int], classes: int, channels: int = 1) -> nn.Sequential:
    """Build the judge, a convolutional classifier: images (n, pixels) to logits (n, classes).

    Its architecture is not the classifier's: a codec tuned to please the one has not been tuned to the other.

    Examples
    --------
    >>> import torch
    >>> judge((8, 8), 10)(torch.zeros(2, 64)).shape
    torch.Size([2, 10])
    """
    height, width = shape
    return nn.Sequential(
        nn.Unflatten(1, (channels, height, width)),
        *(nn.Conv2d(channels, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * (height // 4) * (width // 4), 64), nn.ReLU()),
        nn.Linear(64, classes),
    )


def freeze(*modules: nn.Module) -> None:
    """Stop every way in which training or use can change `modules`: gradients and batch statistics.

    Parameters that need no gradient are half of it: in train mode, BatchNorm would still move its running
    statistics at every forward pass, and with them the function.

    Examples
    --------
    >>> layer = nn.BatchNorm1d(2)
    >>> freeze(layer)
    >>> layer.training, layer.weight.requires_grad
    (False, False)
    """
    for module in modules:
        module.eval().requires_grad_(False)


def in_blocks(network: nn.Module, inputs: Tensor) -> Tensor:
    """Return the outputs of a frozen network on many inputs, without gradients and a few thousand at a time.

    Where memory runs out, half as many are tried.

    Examples
    --------
    >>> import torch
    >>> in_blocks(nn.Linear(2, 1).eval(), torch.zeros(10_000, 2)).shape
    torch.Size([10000, 1])
    """
    size = 4096
    while True:
        try:
            with torch.no_grad():
                return torch.cat([network(block) for block in torch.split(inputs, size)])
        except torch.OutOfMemoryError:
            if size == 1:
                raise
            size //= 2


def normalised(widths: Sequence[int]) -> list[nn.Module]:
    """Return Linear, BatchNorm and LeakyReLU(0.01) between each width and the next."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        # BatchNorm subtracts the mean, so a bias before it would be trained in vain.
        layers += [nn.Linear(fan_in, fan_out, bias=False), nn.BatchNorm1d(fan_out), nn.LeakyReLU(0.01)]
    return layers


def features(width: int, dimension: int, bounded: bool) -> list[nn.Module]:
    """Return the last layers of an encoder."""
    squash: list[nn.Module] = [nn.Tanh()] if bounded else []
    return [nn.Linear(width, dimension, bias=False), nn.BatchNorm1d(dimension, affine=bounded), *squash]
