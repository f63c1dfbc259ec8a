"""The networks: encoder, decoder, classifier and judge, each a plain stack of layers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

__all__ = ["classifier", "decoder", "encoder", "freeze", "judge"]


def encoder(pixels: int, widths: Sequence[int], dimension: int) -> nn.Sequential:
    """Build the encoder, images (n, pixels) to features (n, d) in [-1, 1].

    Hidden layers are Linear, BatchNorm and LeakyReLU(0.01), the last is Linear, BatchNorm and Tanh. The last
    normalisation keeps the features spread over the quantiser's range; without it training collapses.
    On MNIST the literature has ``widths = (512, 256, 128, 128)``.

    References
    ----------
    Zhang, Qian, Chen and Khisti, arXiv:2106.10311, appendix on the experiments.

    Examples
    --------
    >>> [layer for layer in encoder(64, (16,), 3) if isinstance(layer, nn.Linear)]
    [Linear(in_features=64, out_features=16, bias=False), Linear(in_features=16, out_features=3, bias=False)]
    """
    return nn.Sequential(*_normalised([pixels, *widths, dimension])[:-1], nn.Tanh())


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
    return nn.Sequential(*_normalised(stack), nn.Linear(stack[-1], pixels), nn.Sigmoid())


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


def judge(shape: tuple[int, int], classes: int) -> nn.Sequential:
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
        nn.Unflatten(1, (1, height, width)),
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
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


def _normalised(widths: Sequence[int]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        # BatchNorm subtracts the mean, so a bias before it would be trained in vain.
        layers += [nn.Linear(fan_in, fan_out, bias=False), nn.BatchNorm1d(fan_out), nn.LeakyReLU(0.01)]
    return layers
