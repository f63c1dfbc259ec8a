"""Configurations worth a name, as functions; vary their other fields with `dataclasses.replace`."""

from __future__ import annotations

from .config import Config, Data

__all__ = ["quick", "seed_paper"]


def quick(*, classification_weight: float = 0.0, seed: int = 0) -> Config:
    """Describe the default experiment: 8x8 digits at 4.755 bits, a few seconds on one core.

    Adam's settings are the literature's for MNIST, the networks are smaller.

    Examples
    --------
    >>> quick(classification_weight=0.01) == Config(classification_weight=0.01)
    True
    """
    return Config(classification_weight=classification_weight, seed=seed)


def seed_paper(*, classification_weight: float = 0.0, seed: int = 0, data_dir: str = "data") -> Config:
    """Describe the literature's experiment on MNIST at 4.755 bits, d = L = 3.

    Encoder 784-512-256-128-128-3, quantiser and frozen classifier 784-128-64-10 are the literature's. Not so
    the decoder, which is the encoder's mirror image where theirs is convolutional (too slow for a CPU), and
    the optimiser: batches of 256 and a cosine from 2e-3, for batches of 64 and 1e-2 divided by 5 once.

    References
    ----------
    Zhang, Qian, Chen and Khisti, arXiv:2106.10311; Zhang, arXiv:2405.03500.

    Examples
    --------
    >>> config = seed_paper(classification_weight=0.005)
    >>> config.encoder_widths, round(config.rate, 3)
    ((512, 256, 128, 128), 4.755)
    """
    return Config(
        data=Data.MNIST,
        data_dir=data_dir,
        classification_weight=classification_weight,
        encoder_widths=(512, 256, 128, 128),
        decoder_widths=(128, 128, 256, 512),
        classifier_widths=(128, 64),
        epochs=20,
        batch_size=256,
        learning_rate=2e-3,
        classifier_epochs=3,
        seed=seed,
    )
