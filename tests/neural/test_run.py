"""A saved run is the run; a file is whole or not there, and only data."""

import pickle
from dataclasses import replace

import pytest
import torch

from neural import Run, archive, evaluate, load_run, train_universal


def test_saving_and_loading_changes_nothing(run, tmp_path):
    for each in (run, *train_universal(run, [0.02])):
        each.save(tmp_path / "folder" / "run.pt")
        loaded = load_run(tmp_path / "folder" / "run.pt")
        assert (loaded.config, loaded.history, loaded.seconds) == (each.config, each.history, each.seconds)
        assert loaded.encoder == each.encoder
        assert evaluate(loaded, dithers=2) == evaluate(each, dithers=2)


def test_a_run_is_frozen(run):
    run.codec.train()
    run.codec.requires_grad_(True)
    again = Run(run.config, run.codec, run.classifier, run.history, run.seconds)
    for module in (again.codec, again.classifier):
        assert not any(part.training for part in module.modules())
        assert not any(parameter.requires_grad for parameter in module.parameters())


def test_an_interrupted_save_leaves_the_old_file_and_no_other(run, tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    run.save(path)
    before = path.read_bytes()

    def interrupted(content, file):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_in_a_file_is_executed(tmp_path):
    class Planted:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    torch.save({"config": Planted()}, tmp_path / "run.pt")
    with pytest.raises(pickle.UnpicklingError):
        load_run(tmp_path / "run.pt")
    assert not (tmp_path / "executed").exists()


def exactly(content):
    return repr({name: value.tolist() if isinstance(value, torch.Tensor) else value for name, value in content.items()})


def flips(path, content):
    """Write every fourth byte of an archive with a bit flipped, one after another."""
    whole = path.read_bytes()
    for place in range(0, len(whole), 4):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 7]) + whole[place + 1 :])
        try:
            found = archive.load(path)
        except (archive.DamagedFileError, pickle.UnpicklingError):
            continue
        yield exactly(found) == exactly(content)


def test_a_flipped_bit_is_seen_or_changes_nothing(tmp_path, monkeypatch):
    content = {"history": [0.5, 0.25], "weights": torch.arange(100.0)}
    path = tmp_path / "state.pt"
    torch.save(content, path)
    assert all(flips(path, content))
    # torch alone takes other weights for these.
    torch.save(content, path)
    monkeypatch.setattr(archive.ZipFile, "testzip", lambda self: None)
    assert not all(flips(path, content))


def test_a_file_that_is_cut_short_is_refused_by_name(run, tmp_path):
    path = tmp_path / "run.pt"
    run.save(path)
    whole = path.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(archive.DamagedFileError, match=r"run\.pt is cut short or damaged"):
            load_run(path)


def test_a_run_can_be_measured_on_a_machine_other_than_the_one_it_was_trained_on(run, tmp_path):
    elsewhere = replace(run.config, device="cuda", data_dir="not/here")
    Run(elsewhere, run.codec, run.classifier, run.history, run.seconds).save(tmp_path / "run.pt")
    loaded = load_run(tmp_path / "run.pt", device="cpu", data_dir=run.config.data_dir)
    assert loaded.config == run.config
    assert evaluate(loaded, dithers=2) == evaluate(run, dithers=2)
