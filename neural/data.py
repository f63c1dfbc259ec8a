"""Labelled images, resident on the device as bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import files
from .config import Config, Data

__all__ = ["Dataset", "Split", "load"]

Array = NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class Split:
    """Hold n labelled images.

    Parameters
    ----------
    pixels
        Bytes 0 (black) to `white`, shape (n, pixels).
    labels
        Classes as int64, shape (n,).
    white
        The byte that is read as 1.0.
    """

    pixels: Tensor
    labels: Tensor
    white: int

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    @property
    def images(self) -> Tensor:
        """Return all images as numbers in [0, 1] of torch's default type, shape (n, pixels)."""
        return self.pixels.to(torch.get_default_dtype()) / self.white

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images (b, pixels) in [0, 1] and the labels (b,) at `index`."""
        return self.pixels[index].to(torch.get_default_dtype()) / self.white, self.labels[index]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Hold the images to train on and the images to measure on.

    Parameters
    ----------
    train, test
        Disjoint sets of labelled images.
    classes
        Number of labels K; labels are 0..K-1.
    shape
        (height, width) of an image, whose rows are stored one after the other.
    channels
        Colours of an image, whose planes are stored one after the other.
    """

    train: Split
    test: Split
    classes: int
    shape: tuple[int, int]
    channels: int = 1

    @property
    def pixels(self) -> int:
        """Return the number of pixels of an image, colours counted one by one."""
        return self.channels * math.prod(self.shape)


def load(config: Config) -> Dataset:
    """Load the images of `config` onto its device; a second call returns the same object.

    Parameters
    ----------
    config
        Only `data`, `data_dir` and `device` matter.

    Returns
    -------
    Dataset
        Digits: two thirds to train on and one third to test on, class by class, the same for every seed.
        MNIST and Fashion-MNIST: their own 60 000 and 10 000. SVHN: its own 73 257 and 26 032.

    Raises
    ------
    FileNotFoundError
        If the files are neither in `data_dir` nor to be fetched; the message lists where to get them.
    ValueError
        If the device is not available, or a file is not the one that was published.

    Examples
    --------
    >>> data = load(Config())
    >>> len(data.train), len(data.test), data.classes, data.shape
    (1201, 596, 10, (8, 8))
    """
    return _load(config.data, config.data_dir, config.device)


@lru_cache(maxsize=4)
def _load(data: Data, folder: str, device: str) -> Dataset:
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device {device!r} is not available here (torch.cuda.is_available() is False); "
            "use device='cpu', or install a CUDA build of torch on a machine with an NVIDIA GPU"
        )
    match data:
        case Data.DIGITS:
            return _digits(device)
        case Data.SVHN:
            return _svhn(Path(folder), device)
        case _:
            return _idx_files(data, Path(folder), device)


def _digits(device: str) -> Dataset:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    labels = bunch.target
    # Every third image of each class is held out: stratified, and no random generator to depend on.
    place = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = labels == label
        place[members] = np.arange(members.sum())
    held_out = place % 3 == 2
    train, test = (_split(bunch.data[part], labels[part], 16, device) for part in (~held_out, held_out))
    return Dataset(train, test, classes=10, shape=(8, 8))


def _idx_files(data: Data, root: Path, device: str) -> Dataset:
    images, labels, test_images, test_labels = map(_idx, files.read(data, root))
    height, width = images.shape[1:]
    train = _split(images.reshape(-1, height * width), labels, 255, device)
    test = _split(test_images.reshape(-1, height * width), test_labels, 255, device)
    return Dataset(train, test, classes=10, shape=(height, width))


def _svhn(root: Path, device: str) -> Dataset:
    from scipy.io import loadmat

    def split(content: bytes) -> Split:
        matrices = loadmat(BytesIO(content))  # X (32, 32, 3, n); y (n, 1) with 10 for the digit zero
        pixels = matrices["X"].transpose(3, 2, 0, 1).reshape(-1, 3 * 32 * 32)
        return _split(pixels, matrices["y"].ravel() % 10, 255, device)

    train, test = map(split, files.read(Data.SVHN, root))
    return Dataset(train, test, classes=10, shape=(32, 32), channels=3)


def _split(pixels: Array, labels: Array, white: int, device: str) -> Split:
    return Split(
        torch.tensor(pixels, dtype=torch.uint8, device=device),
        torch.tensor(labels, dtype=torch.int64, device=device),
        white,
    )


def _idx(content: bytes) -> Array:
    """Read the idx format: two zero bytes, type 8 (bytes), number of axes, big-endian sizes, the bytes."""
    start = 4 + 4 * content[3]
    shape = [int.from_bytes(content[at : at + 4]) for at in range(4, start, 4)]
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)
