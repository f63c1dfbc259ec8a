"""What a codec is trained on, its shape and how: one frozen value, checked once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import Enum
from math import inf, log2
from typing import Any

__all__ = ["Config", "Data", "Weights"]


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
class Weights:
    """Weigh the terms of the loss λ_d · MSE + λ_c · CE + λ_p · W1.

    Parameters
    ----------
    distortion
        λ_d, of the squared error per pixel of images in [0, 1].
    classification
        λ_c, of the cross-entropy of a frozen classifier in **nats**.
    perception
        λ_p, of the Wasserstein-1 distance that a critic estimates, in the Euclidean norm of images.

    Raises
    ------
    ValueError
        If a weight is negative, or distortion and classification are both without weight.

    Examples
    --------
    >>> Weights(perception=0.015)
    Weights(distortion=1.0, classification=0.0, perception=0.015)
    """

    distortion: float = 1.0
    classification: float = 0.0
    perception: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        for name, value in asdict(self).items():
            _at_least(f"{name}_weight", value, 0, "use 0 to leave a term out of the loss")
        if self.distortion == self.classification == 0:
            raise ValueError("distortion_weight or classification_weight must be > 0 (got 0 and 0)")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Describe one experiment completely; two equal configurations train equal codecs.

    Training minimises ``distortion_weight * MSE + classification_weight * CE + perception_weight * W1`` with the MSE
    per pixel of images in [0, 1], the cross-entropy CE in **nats** and W1 as a critic estimates it.

    Parameters
    ----------
    data, data_dir
        The images and the folder that holds them (unused by the bundled digits).
    dimension, levels
        Latents d and quantiser centres L of each; the nominal rate is d·log2 L bits.
    clipped
        Whether the quantiser has its L centres on [-1, 1] only. If not, features are not bounded but normalised,
        the same step 2/(L-1) goes on beyond, and only an entropy coder says what the rate is.
    base_dimension
        The first latents, if they are those of a frozen encoder that the others refine; 0 for a plain codec.
    distortion_weight, classification_weight, perception_weight
        The weights λ_d, λ_c and λ_p of the loss.
    convolutional
        Whether decoder, critic and classifier are the literature's convolutional ones (and the encoder too, for
        images in colour). The decoder's and classifier's widths are then unused.
    epochs, batch_size, learning_rate, betas
        Adam for the codec.
    drop_epoch
        The epochs after which the learning rate is divided by 5; None for a cosine that ends at zero.
    critic_learning_rate, gradient_penalty
        Adam's rate for the critic, of constant size, and the weight of the squared departure of its gradient's
        norm from 1.
    classifier_epochs
        Passes over the data for the pre-trained classifier, and for the judge that training never sees.
    encoder_widths, decoder_widths, classifier_widths, critic_widths
        Hidden layers, from input to output.
    bf16
        Whether codec and classifier multiply matrices in bfloat16 while training.
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
    clipped: bool = True
    base_dimension: int = 0
    distortion_weight: float = 1.0
    classification_weight: float = 0.0
    perception_weight: float = 0.0
    convolutional: bool = False
    epochs: int = 80
    batch_size: int = 128
    learning_rate: float = 1e-2
    betas: tuple[float, float] = (0.5, 0.9)
    drop_epoch: int | None = None
    critic_learning_rate: float = 2e-4
    gradient_penalty: float = 10.0
    classifier_epochs: int = 30
    encoder_widths: tuple[int, ...] = (128, 64, 64)
    decoder_widths: tuple[int, ...] = (64, 64, 128)
    classifier_widths: tuple[int, ...] = (64, 32)
    critic_widths: tuple[int, ...] = (128, 128)
    bf16: bool = False
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        for name in ("dimension", "levels", "epochs", "batch_size", "classifier_epochs", "seed"):
            if not isinstance(getattr(self, name), int):
                raise ValueError(f"{name} must be an integer (got {getattr(self, name)!r})")
        _at_least("dimension", self.dimension, 1, "a codec without latents sends nothing")
        _at_least("levels", self.levels, 2, "two centres are the smallest quantiser")
        if self._code_bits > 62:
            raise ValueError(
                f"dimension * log2(levels) must be <= 62 bits (got {self._code_bits:.1f}); "
                "a message is numbered by a 64-bit integer, so lower one of the two"
            )
        if not 0 <= self.base_dimension < self.dimension:
            raise ValueError(
                f"base_dimension must be in 0..dimension - 1 (got {self.base_dimension} of {self.dimension}); "
                "a refinement adds at least one latent"
            )
        self.weights  # noqa: B018 - refuses what is out of range
        if self.drop_epoch is not None:
            _at_least("drop_epoch", self.drop_epoch, 1, "use None for a cosine")
        _at_least("gradient_penalty", self.gradient_penalty, 0, "the literature has 10")
        _at_least("epochs", self.epochs, 1, "an untrained codec measures nothing")
        _at_least("classifier_epochs", self.classifier_epochs, 1, "an untrained classifier measures nothing")
        _at_least("batch_size", self.batch_size, 2, "batch normalisation needs two examples")
        for name, usual in (("learning_rate", 0.01), ("critic_learning_rate", 2e-4)):
            if not 0 < getattr(self, name) < inf:
                raise ValueError(f"{name} must be > 0 and finite (got {getattr(self, name)}); try {usual:g}")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas must be two numbers in [0, 1) (got {self.betas}); try (0.5, 0.9)")
        for name in ("encoder_widths", "decoder_widths", "classifier_widths", "critic_widths"):
            for width in getattr(self, name):
                _at_least(f"every entry of {name}", width, 1, "use () for no hidden layer")
        _at_least("seed", self.seed, 0, "seeds are natural numbers")

    @property
    def rate(self) -> float:
        """Return the nominal rate d·log2 L in bits, which the entropy of the messages cannot exceed.

        Without clipping there is none, that is, it is infinite.
        """
        return self._code_bits if self.clipped else inf

    @property
    def _code_bits(self) -> float:
        return self.dimension * log2(self.levels)

    @property
    def weights(self) -> Weights:
        """Return the weights of the loss."""
        return Weights(
            distortion=self.distortion_weight,
            classification=self.classification_weight,
            perception=self.perception_weight,
        )

    def weighing(self, weights: Weights) -> Config:
        """Return the same configuration with other weights of the loss."""
        return replace(
            self,
            distortion_weight=weights.distortion,
            classification_weight=weights.classification,
            perception_weight=weights.perception,
        )

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
