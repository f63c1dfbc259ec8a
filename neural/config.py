"""What a codec is trained on, its shape and how: one frozen value, checked once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from math import inf, log2
from typing import Any

__all__ = ["Config", "Data"]


class Data(Enum):
    """Name a data set that `load` can read.

    Examples
    --------
    >>> [data.value for data in Data]
    ['digits', 'mnist', 'fashion-mnist', 'svhn']
    """

    DIGITS = "digits"
    """1797 real handwritten digits of 8x8 pixels, bundled with scikit-learn."""

    MNIST = "mnist"
    """70 000 handwritten digits of 28x28 pixels, read from ``data_dir/MNIST/raw``."""

    FASHION_MNIST = "fashion-mnist"
    """70 000 pieces of clothing of 28x28 pixels, read from ``data_dir/FashionMNIST/raw``."""

    SVHN = "svhn"
    """99 289 street-view house numbers of 32x32 pixels in colour, read from ``data_dir/SVHN``."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Describe one experiment completely; two equal configurations train equal codecs.

    Training minimises ``distortion_weight * MSE + classification_weight * CE`` with the MSE per pixel of
    images in [0, 1] and the cross-entropy CE in **nats**.

    Parameters
    ----------
    data, data_dir
        The images and the folder that holds them (unused by the bundled digits).
    dimension, levels
        Latents d and quantiser centres L of each; the nominal rate is d·log2 L bits.
    distortion_weight, classification_weight
        The weights λ_d and λ_c of the loss.
    epochs, batch_size, learning_rate, betas
        Adam for the codec, under a cosine schedule that ends at zero.
    classifier_epochs
        Passes over the data for the pre-trained classifier, and for the judge that training never sees.
    encoder_widths, decoder_widths, classifier_widths
        Hidden layers, from input to output.
    seed
        The seed of everything random: weights, order of the examples and dither.
    device
        A torch device such as ``"cpu"`` or ``"cuda"``.

    Raises
    ------
    ValueError
        If a field is out of range; the message says what was given and what is needed.

    Examples
    --------
    >>> config = Config(dimension=3, levels=3, classification_weight=0.01)
    >>> round(config.rate, 3)
    4.755
    >>> Config.from_dict(config.to_dict()) == config
    True
    >>> Config(levels=1)
    Traceback (most recent call last):
    ValueError: levels must be >= 2 (got 1); two centres are the smallest quantiser
    """

    data: Data = Data.DIGITS
    data_dir: str = "data"
    dimension: int = 3
    levels: int = 3
    distortion_weight: float = 1.0
    classification_weight: float = 0.0
    epochs: int = 80
    batch_size: int = 128
    learning_rate: float = 1e-2
    betas: tuple[float, float] = (0.5, 0.9)
    classifier_epochs: int = 30
    encoder_widths: tuple[int, ...] = (128, 64, 64)
    decoder_widths: tuple[int, ...] = (64, 64, 128)
    classifier_widths: tuple[int, ...] = (64, 32)
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        for name in ("dimension", "levels", "epochs", "batch_size", "classifier_epochs", "seed"):
            if not isinstance(getattr(self, name), int):
                raise ValueError(f"{name} must be an integer (got {getattr(self, name)!r})")
        _at_least("dimension", self.dimension, 1, "a codec without latents sends nothing")
        _at_least("levels", self.levels, 2, "two centres are the smallest quantiser")
        if self.rate > 62:
            raise ValueError(
                f"dimension * log2(levels) must be <= 62 bits (got {self.rate:.1f}); "
                "a message is numbered by a 64-bit integer, so lower one of the two"
            )
        for name in ("distortion_weight", "classification_weight"):
            _at_least(name, getattr(self, name), 0, "use 0 to leave a term out of the loss")
        if self.distortion_weight == self.classification_weight == 0:
            raise ValueError("distortion_weight or classification_weight must be > 0 (got 0 and 0)")
        _at_least("epochs", self.epochs, 1, "an untrained codec measures nothing")
        _at_least("classifier_epochs", self.classifier_epochs, 1, "an untrained classifier measures nothing")
        _at_least("batch_size", self.batch_size, 2, "batch normalisation needs two examples")
        if not 0 < self.learning_rate < inf:
            raise ValueError(f"learning_rate must be > 0 and finite (got {self.learning_rate}); try 0.01")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas must be two numbers in [0, 1) (got {self.betas}); try (0.5, 0.9)")
        for name in ("encoder_widths", "decoder_widths", "classifier_widths"):
            for width in getattr(self, name):
                _at_least(f"every entry of {name}", width, 1, "use () for no hidden layer")
        _at_least("seed", self.seed, 0, "seeds are natural numbers")

    @property
    def rate(self) -> float:
        """Return the nominal rate d·log2 L in bits, which the entropy of the messages cannot exceed."""
        return self.dimension * log2(self.levels)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as values that JSON can hold; `from_dict` is the inverse."""
        fields = {**asdict(self), "data": self.data.value}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Config:
        """Return the configuration that `to_dict` described."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
        }
        values["data"] = Data(fields["data"])
        return cls(**values)


def _at_least(name: str, value: float, least: float, why: str) -> None:
    if not least <= value < inf:  # also refuses nan
        raise ValueError(f"{name} must be >= {least} (got {value}); {why}")
