"""What training minimises: distortion, classification loss and distance between laws, weighted.

Every function reads the last axes of its arguments, so that codecs trained together, stacked along a leading axis,
have a loss each.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Loss", "cross_entropy", "distortion", "penalised", "wasserstein"]


def distortion(images: Tensor, reconstructions: Tensor) -> Tensor:
    """Return the squared error per pixel, averaged over images (n, pixels).

    Examples
    --------
    >>> distortion(torch.zeros(2, 4), torch.full((2, 4), 0.5))
    tensor(0.2500)
    """
    return (reconstructions - images).square().mean((-2, -1))


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of -ln softmax(logits)[label] over examples, in nats.

    Examples
    --------
    >>> cross_entropy(torch.zeros(2, 10), torch.tensor([3, 7]))  # ln 10
    tensor(2.3026)
    """
    each = functional.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none")
    return each.view(labels.shape).mean(-1)


def wasserstein(critic: nn.Module, images: Tensor, reconstructions: Tensor) -> Tensor:
    """Return the mean score of images less that of reconstructions, both (n, pixels).

    For a critic of Lipschitz constant 1 it is at most the Wasserstein-1 distance of their laws (Kantorovich and
    Rubinstein), and the best such critic attains it.

    Examples
    --------
    >>> sum_of_pixels = nn.Linear(4, 1, bias=False).requires_grad_(False)
    >>> _ = sum_of_pixels.weight.fill_(1.0)
    >>> wasserstein(sum_of_pixels, torch.ones(2, 4), torch.zeros(2, 4))
    tensor(4.)
    """
    return critic(images).squeeze(-1).mean(-1) - critic(reconstructions).squeeze(-1).mean(-1)


def penalised(critic: nn.Module, images: Tensor, reconstructions: Tensor, places: Tensor, penalty: float) -> Tensor:
    """Return what the critic minimises: the penalty on its gradient less the distance that it sees.

    Parameters
    ----------
    critic
        Images (n, pixels) to scores (n, 1).
    images, reconstructions
        Samples of the two laws, shape (n, pixels).
    places
        Where between image and reconstruction the gradient is measured, uniform in [0, 1], shape (n, 1).
    penalty
        The weight of the mean of (|gradient| - 1)².

    References
    ----------
    Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, "Improved training of Wasserstein GANs", NeurIPS 2017, eq. (3).

    Examples
    --------
    >>> critic = nn.Linear(4, 1, bias=False)
    >>> _ = critic.weight.data.copy_(torch.tensor([[3.0, 4.0, 0.0, 0.0]]))  # the norm of its gradient is 5
    >>> penalised(critic, torch.zeros(2, 4), torch.zeros(2, 4), torch.rand(2, 1), 10.0).item()
    160.0
    """
    between = torch.lerp(reconstructions, images, places).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    # A norm of exactly zero has no gradient.
    norm = (gradient.square().sum(-1) + 1e-12).sqrt()
    return penalty * (norm - 1).square().mean(-1) - wasserstein(critic, images, reconstructions)


@dataclass(frozen=True, eq=False)
class Loss:
    """Weigh distortion, classification and perception: λ_d · MSE per pixel + λ_c · CE in nats + λ_p · W1.

    Parameters
    ----------
    distortion_weight, classification_weight
        λ_d and λ_c, numbers, or tensors (E,) for E codecs that are trained together.
    classifier
        A frozen classifier; the cross-entropy is that of its reading of the reconstruction.
    perception_weight
        λ_p.
    critic
        The critic that estimates W1, needed where `perception_weight` is not 0.

    References
    ----------
    Zhang, "A rate-distortion-classification approach for lossy image compression", arXiv:2405.03500.

    Examples
    --------
    >>> loss = Loss(1.0, 0.1, nn.Linear(4, 10).requires_grad_(False))
    >>> loss(torch.rand(2, 4), torch.rand(2, 4), torch.tensor([3, 7])).shape
    torch.Size([])
    """

    distortion_weight: float | Tensor
    classification_weight: float | Tensor
    classifier: nn.Module
    perception_weight: float | Tensor = 0.0
    critic: nn.Module | None = None
    _asked: tuple[bool, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Look at the weights once: asking a tensor on a device in every step would wait for the device."""
        weights = (self.classification_weight, self.perception_weight)
        asked = tuple(bool(torch.as_tensor(weight).any()) for weight in weights)
        object.__setattr__(self, "_asked", asked)
        if asked[1] and self.critic is None:
            raise ValueError(f"perception_weight is {self.perception_weight}, but no critic estimates the distance")

    def __call__(self, images: Tensor, reconstructions: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of one batch, a scalar, or (E,)."""
        classification, perception = self._asked
        loss = self.distortion_weight * distortion(images, reconstructions)
        if classification:  # at zero the classifier's passes would be half the time
            reading = cross_entropy(self.classifier(reconstructions), labels)
            loss = loss + self.classification_weight * reading
        if perception and self.critic:
            # The critic's score of the images is left out: it is the same for every codec.
            loss = loss - self.perception_weight * self.critic(reconstructions).squeeze(-1).mean(-1)
        return loss
