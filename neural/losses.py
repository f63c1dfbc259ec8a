"""What training minimises: distortion and classification loss, weighted."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Loss", "cross_entropy", "distortion"]


def distortion(images: Tensor, reconstructions: Tensor) -> Tensor:
    """Return the squared error per pixel, averaged over images (n, pixels).

    Examples
    --------
    >>> import torch
    >>> distortion(torch.zeros(2, 4), torch.full((2, 4), 0.5))
    tensor(0.2500)
    """
    return functional.mse_loss(reconstructions, images)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of -ln softmax(logits)[label] over examples, in nats.

    Examples
    --------
    >>> import torch
    >>> cross_entropy(torch.zeros(2, 10), torch.tensor([3, 7]))  # ln 10
    tensor(2.3026)
    """
    return functional.cross_entropy(logits, labels)


@dataclass(frozen=True, eq=False)
class Loss:
    """Weigh distortion and classification: λ_d · MSE per pixel + λ_c · CE in nats.

    Parameters
    ----------
    distortion_weight, classification_weight
        λ_d and λ_c.
    classifier
        A frozen classifier; the cross-entropy is that of its reading of the reconstruction.

    References
    ----------
    Zhang, "A rate-distortion-classification approach for lossy image compression", arXiv:2405.03500.

    Examples
    --------
    >>> import torch
    >>> loss = Loss(1.0, 0.1, nn.Linear(4, 10).requires_grad_(False))
    >>> loss(torch.rand(2, 4), torch.rand(2, 4), torch.tensor([3, 7])).shape
    torch.Size([])
    """

    distortion_weight: float
    classification_weight: float
    classifier: nn.Module

    def __call__(self, images: Tensor, reconstructions: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of one batch, a scalar."""
        loss = self.distortion_weight * distortion(images, reconstructions)
        if self.classification_weight > 0:  # at zero the classifier's passes would be half the time
            reading = cross_entropy(self.classifier(reconstructions), labels)
            loss = loss + self.classification_weight * reading
        return loss
