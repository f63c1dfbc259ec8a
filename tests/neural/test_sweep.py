"""A sweep that is killed goes on to the same end."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from shutil import copytree
from time import monotonic, sleep

import pytest
import torch

import neural.fit
from neural import Config, Job, evaluate, load_run, sweep, train_end_to_end, train_together
from neural.models import in_blocks
from rdcfunc.rows import Rows

SWEEP = import_module("neural.sweep")  # the package's name for it is the function's
TINY = Config(epochs=2, classifier_epochs=1, encoder_widths=(16,), decoder_widths=(16,))
JOBS = [Job(replace(TINY, classification_weight=weight), encoder) for encoder in (None, TINY) for weight in (0.0, 0.02)]


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("swept")
    return folder, sweep(JOBS, folder, dithers=2)


def measurements(found):
    return [row["measurement"] for row in found]


def test_a_row_is_the_measurement_of_the_run_beside_it(swept):
    folder, found = swept
    for job, row in zip(JOBS, found, strict=True):
        run = load_run(folder / "runs" / f"{job.key}.pt")
        assert row["measurement"] == evaluate(run, dithers=2).to_dict()
        assert (run.config, run.encoder) == (job.config, job.encoder)
        assert Config.from_dict(row["config"]) == job.config
        assert {"commit", "torch"} <= row["provenance"].keys()
        assert row["images_per_second"] > 0
    assert found[0]["measurement"] == evaluate(train_end_to_end(TINY), dithers=2).to_dict()
    assert [json.loads(line)["key"] for line in (folder / "rows.jsonl").read_text().splitlines()] == [
        job.key for job in JOBS
    ]


def test_what_is_done_is_skipped(swept, monkeypatch):
    folder, found = swept
    monkeypatch.setattr(SWEEP, "_work", None)
    assert sweep(JOBS, folder) == found
    assert sweep(JOBS[::-1], folder) == found[::-1]


def test_together_and_elsewhere_come_the_same_codecs(swept, tmp_path):
    with ThreadPoolExecutor(1) as pool:
        found = sweep(JOBS, tmp_path, dithers=2, executor=pool, together=2)
    assert [row["together"] for row in found] == [2] * 4
    for row, other in zip(found, swept[1], strict=True):
        assert row["measurement"]["target"]["D"] == pytest.approx(other["measurement"]["target"]["D"], rel=0.02)


def test_a_lost_row_is_measured_again_without_training(swept, tmp_path, monkeypatch):
    folder, found = swept
    copytree(folder / "runs", tmp_path / "runs")
    monkeypatch.setattr(SWEEP, "train_together", None)
    monkeypatch.setattr(SWEEP, "train_decoders", None)
    assert measurements(sweep(JOBS, tmp_path, dithers=2)) == measurements(found)


def test_a_damaged_run_is_set_aside_and_trained_again(swept, tmp_path, capsys):
    """That of the encoder of others, beside rows and without them."""
    folder, found = swept
    copytree(folder, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "runs" / f"{JOBS[0].key}.pt"
    content = path.read_bytes()
    path.write_bytes(content[:500] + bytes([content[500] ^ 1]) + content[501:])
    lines = (tmp_path / "rows.jsonl").read_bytes().splitlines(keepends=True)
    for rows in (lines[:2], []):
        (tmp_path / "rows.jsonl").write_bytes(b"".join(rows))
        (tmp_path / "runs" / f"{JOBS[2].key}.pt").unlink()
        assert measurements(sweep(JOBS, tmp_path, dithers=2)) == measurements(found)
    assert f"it is kept in {path.name}.damaged" in capsys.readouterr().err
    assert path.with_name(f"{path.name}.damaged").exists()


def test_decoders_on_one_encoder_share_it(swept, tmp_path, monkeypatch):
    """What a frozen encoder makes of the images is computed, and kept, once for all decoders that read it."""
    copytree(swept[0] / "runs", tmp_path / "runs")
    train, encoders = SWEEP.train_decoders, []
    for job in JOBS[2:]:
        (tmp_path / "runs" / f"{job.key}.pt").unlink()

    def watched(pairs, **options):
        encoders.extend(run.codec.encoder for run, _ in pairs)
        return train(pairs, **options)

    monkeypatch.setattr(SWEEP, "train_decoders", watched)
    sweep(JOBS, tmp_path, dithers=2, together=2)
    assert len(encoders) == 2
    assert encoders[0] is encoders[1]


def test_a_group_that_does_not_fit_on_the_device_is_halved(swept, tmp_path, monkeypatch):
    train, sizes = SWEEP.train_together, []

    def scarce(configs, **options):
        sizes.append(len(configs))
        if len(configs) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return train(configs, **options)

    monkeypatch.setattr(SWEEP, "train_together", scarce)
    found = sweep(JOBS[:2], tmp_path, dithers=2, together=2)
    assert sizes == [2, 1, 1]
    assert [row["together"] for row in found] == [1, 1]
    assert measurements(found) == measurements(swept[1][:2])


def test_what_does_not_fit_alone_is_said(tmp_path, monkeypatch):
    def full(*given, **options):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(SWEEP, "train_together", full)
    with pytest.raises(torch.OutOfMemoryError):
        sweep(JOBS[:2], tmp_path, dithers=2, together=2)
    with pytest.raises(torch.OutOfMemoryError):
        in_blocks(full, torch.zeros(3, 2))


def test_many_inputs_go_through_in_smaller_blocks_where_memory_runs_out():
    network, inputs, sizes = torch.nn.Linear(2, 1).eval(), torch.randn(5000, 2), []

    def scarce(block):
        sizes.append(len(block))
        if len(block) > 1500:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return network(block)

    torch.testing.assert_close(in_blocks(scarce, inputs), network(inputs).detach())
    assert sizes == [4096, 2048, 1024, 1024, 1024, 1024, 904]


@pytest.mark.parametrize("changes", [{}, {"perception_weight": 0.01}])
def test_training_goes_on_from_a_checkpoint_to_the_same_end_to_the_last_bit(tmp_path, monkeypatch, changes):
    monkeypatch.setattr(neural.fit, "_SECONDS_BETWEEN_CHECKPOINTS", 0)
    configs = [replace(TINY, epochs=4, seed=seed, **changes) for seed in (0, 1)]
    whole = train_together(configs)
    path, save = tmp_path / "checkpoint.pt", torch.save

    def killed(content, file):
        if len(content["history"]) == 3:
            raise KeyboardInterrupt
        save(content, file)

    monkeypatch.setattr(torch, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        train_together(configs, checkpoint=path)
    monkeypatch.setattr(torch, "save", save)
    assert len(torch.load(path, weights_only=True)["history"]) == 2
    if changes:  # a damaged one is as good as none
        path.write_bytes(path.read_bytes()[:-100])
    for first, second in zip(whole, train_together(configs, checkpoint=path), strict=True):
        assert first.history == second.history
        for name, tensor in first.codec.state_dict().items():
            assert torch.equal(tensor, second.codec.state_dict()[name])


def test_a_sweep_that_is_killed_goes_on_to_the_same_rows(swept, tmp_path):
    code = (
        "import torch, sys; torch.set_num_threads(1); sys.path.insert(0, sys.argv[2])\n"
        "from test_sweep import JOBS; from neural import sweep; sweep(JOBS, sys.argv[1], dithers=2)"
    )
    table, here = tmp_path / "rows.jsonl", str(Path(__file__).parent)
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), here])
    deadline = monotonic() + 120
    while not table.exists() and monotonic() < deadline:
        sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = Rows(table).rows
    assert kept
    found = sweep(JOBS, tmp_path, dithers=2)
    assert found[: len(kept)] == kept
    assert measurements(found) == measurements(swept[1])
