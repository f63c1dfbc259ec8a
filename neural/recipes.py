"""Configurations worth a name, as functions; vary their other fields with `dataclasses.replace`."""

from __future__ import annotations

from dataclasses import replace

from .config import Config, Data

__all__ = ["house_numbers", "quick", "seed_paper"]


def quick(*, classification_weight: float = 0.0, seed: int = 0, data_dir: str = "data", device: str = "cpu") -> Config:
    """Describe the default experiment: 8x8 digits at 4.755 bits, a few seconds on one core.

    Adam's settings are the literature's for MNIST, the networks are smaller.

    Examples
    --------
    >>> quick(classification_weight=0.01) == Config(classification_weight=0.01)
    True
    """
    return Config(classification_weight=classification_weight, seed=seed, data_dir=data_dir, device=device)


def seed_paper(
    *, classification_weight: float = 0.0, seed: int = 0, data_dir: str = "data", device: str = "cpu"
) -> Config:
    """Describe the literature's experiment on MNIST at 4.755 bits, d = L = 3.

    On a GPU everything is the literature's: encoder 784-512-256-128-128-3, quantiser, convolutional decoder and
    critic, batches of 64 and 30 epochs at 1e-2, divided by 5 after 20. The classifier is convolutional too.

    A CPU is too slow for that. There decoder and critic have no convolutions (the decoder is the encoder's mirror
    image), the classifier is 784-128-64-10, and the optimiser takes batches of 256 and a cosine from 2e-3 over 20
    epochs; the critic, who has fewer steps, 1e-3.

    References
    ----------
    Zhang, Qian, Chen and Khisti, arXiv:2106.10311; Zhang, arXiv:2405.03500.

    Examples
    --------
    >>> config = seed_paper(classification_weight=0.005)
    >>> config.encoder_widths, round(config.rate, 3)
    ((512, 256, 128, 128), 4.755)
    >>> seed_paper(device="cuda").convolutional
    True
    """
    common = Config(
        data=Data.MNIST,
        data_dir=data_dir,
        classification_weight=classification_weight,
        encoder_widths=(512, 256, 128, 128),
        decoder_widths=(128, 128, 256, 512),
        classifier_widths=(128, 64),
        seed=seed,
        device=device,
    )
    if device.startswith("cuda"):
        return replace(
            common,
            convolutional=True,
            epochs=30,
            batch_size=64,
            learning_rate=1e-2,
            drop_epoch=20,
            classifier_epochs=10,
            bf16=True,
        )
    return replace(
        common,
        critic_widths=(512, 256),
        critic_learning_rate=1e-3,
        epochs=20,
        batch_size=256,
        learning_rate=2e-3,
        classifier_epochs=3,
    )


def house_numbers(*, seed: int = 0, data_dir: str = "data", device: str = "cuda") -> Config:
    """Describe the literature's experiment on SVHN at 30 bits, d = 10 and L = 8, all networks convolutional.

    References
    ----------
    Zhang, Qian, Chen and Khisti, arXiv:2106.10311.

    Examples
    --------
    >>> house_numbers().rate, house_numbers().epochs
    (30.0, 80)
    """
    return Config(
        data=Data.SVHN,
        data_dir=data_dir,
        dimension=10,
        levels=8,
        convolutional=True,
        epochs=80,
        batch_size=64,
        learning_rate=1e-4,
        critic_learning_rate=1e-4,
        betas=(0.5, 0.999),
        drop_epoch=60,
        classifier_epochs=10,
        bf16=True,
        seed=seed,
        device=device,
    )
