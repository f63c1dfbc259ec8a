"""The command line: what it prints is what the functions measure."""

import json

import pandas as pd
import pytest

from neural import Config, Data, Job, Weights, evaluate, files, load_run, train_end_to_end, train_universal
from neural.__main__ import STUDIES, main
from neural.show import show
from neural.summary import summary
from rdcfunc.rows import Rows


def printed(capsys, *arguments):
    main([str(argument) for argument in arguments])
    return json.loads(capsys.readouterr().out)


def test_train_then_universal_then_evaluate(tmp_path, capsys):
    path = tmp_path / "run.pt"
    (trained,) = printed(capsys, "train", "--weight", 0.01, "--epochs", 2, "--dithers", 2, "--save", path)
    assert trained["measurement"] == evaluate(load_run(path), dithers=2).to_dict()
    assert (trained["config"]["classification_weight"], trained["encoder"]) == (0.01, None)
    (unsaved,) = printed(capsys, "train", "--weight", 0.01, "--epochs", 2, "--dithers", 2)
    assert unsaved["measurement"] == trained["measurement"]

    reused = printed(capsys, "universal", path, "--weights", 0, 0.02, "--dithers", 2, "--save", tmp_path / "new")
    assert [each["config"]["classification_weight"] for each in reused] == [0, 0.02]
    assert [each["encoder"] for each in reused] == [trained["config"]] * 2
    assert {each["measurement"]["rate"] for each in reused} == {trained["measurement"]["rate"]}
    (unsaved,) = printed(capsys, "universal", path, "--weights", 0.02, "--dithers", 2)
    assert unsaved["measurement"]["target"]["D"] == pytest.approx(reused[1]["measurement"]["target"]["D"], rel=1e-4)

    (measured,) = printed(capsys, "evaluate", tmp_path / "new" / "weight-0.02.pt", "--dithers", 2)
    assert measured == reused[1]


def test_an_error_is_one_sentence(tmp_path):
    with pytest.raises(SystemExit, match=r"^ValueError: epochs must be >= 1 \(got 0\)"):
        main(["train", "--epochs", "0"])
    with pytest.raises(SystemExit, match=r"^FileNotFoundError: .*missing.pt"):
        main(["evaluate", str(tmp_path / "missing.pt")])


def test_sweep_then_show(tmp_path, capsys, monkeypatch):
    jobs = [Job(Config(epochs=1, classifier_epochs=1, seed=seed)) for seed in (0, 1)]
    monkeypatch.setitem(STUDIES, "quick", lambda: jobs)
    main(["sweep", "quick", "--folder", str(tmp_path), "--dithers", "2", "--together", "2"])
    assert "D_se" in capsys.readouterr().out
    (row,) = pd.read_csv(tmp_path / "summary.csv").to_dict("records")
    values = [evaluate(load_run(tmp_path / "runs" / f"{job.key}.pt"), dithers=2).target.D for job in jobs]
    assert (row["seeds"], row["D"]) == (2, pytest.approx(sum(values) / 2))
    assert row["D_se"] == pytest.approx(abs(values[0] - values[1]) / 2)

    picture = tmp_path / "show.png"
    main(["show", *[str(tmp_path / "runs" / f"{job.key}.pt") for job in jobs], "--out", str(picture), "--images", "3"])
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_processes_side_by_side_make_the_rows_of_one(tmp_path, capsys, monkeypatch):
    jobs = [Job(Config(epochs=1, classifier_epochs=1, seed=seed)) for seed in (0, 1)]
    monkeypatch.setitem(STUDIES, "quick", lambda: jobs)
    main(["sweep", "quick", "--folder", str(tmp_path), "--dithers", "2", "--workers", "2", "--threads", "1"])
    rows = {row["key"]: row["measurement"] for row in Rows(tmp_path / "rows.jsonl").rows}
    assert rows == {job.key: evaluate(train_end_to_end(job.config), dithers=2).to_dict() for job in jobs}


@pytest.mark.parametrize(("option", "message"), [("--workers", "max_workers must be"), ("--together", "together must")])
def test_no_codec_at_once_is_refused(option, message, tmp_path):
    with pytest.raises(SystemExit, match=f"^ValueError: {message}"):
        main(["sweep", "quick", "--folder", str(tmp_path), option, "0"])


def test_fetch_says_where_the_files_are(tmp_path, capsys, monkeypatch):
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    for name in files._FILES[Data.MNIST].digests:
        (tmp_path / "MNIST" / "raw" / name).touch()
    main(["fetch", "mnist", "--data-dir", str(tmp_path)])
    assert capsys.readouterr().out.strip() == str(tmp_path / "MNIST" / "raw")


def test_speed_is_a_ratio_of_two_times_of_one_run(capsys):
    found = printed(capsys, "speed", "--together", 2, "--epochs", 1)
    assert found["ratio"] == pytest.approx(found["together"] / found["one_by_one"])


@pytest.mark.parametrize("command", [(), ("train",), ("universal",), ("evaluate",)])
def test_help_explains_every_option(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "usage: python -m neural" in text
    assert all(word in text for word in (["train", "universal"] if not command else ["--dithers", "--device"]))


def test_an_interrupted_command_says_so_in_one_sentence(monkeypatch):
    def interrupt(*given, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("neural.__main__.train_end_to_end", interrupt)
    with pytest.raises(SystemExit, match=r"^interrupted; what was finished is kept"):
        main(["train"])


def test_pictures_name_what_a_codec_and_its_encoder_are_made_for(run):
    (reused,) = train_universal(run, [Weights(classification=0.02)])
    names = [ax.texts[0].get_text() for ax in show([run, reused], images=2).axes[::2]]
    assert names[0] == "original"
    assert r"$\lambda_c$ = 0.01" in names[1]
    assert r"$\lambda_c$ = 0.02" in names[2]
    assert "encoder" not in names[1]
    assert r"encoder $\lambda_c$, $\lambda_p$ = 0.01, 0" in names[2]
    with pytest.raises(ValueError, match=r"runs must be of one data set \(got \[\]\)"):
        show([])


def test_the_summary_of_nothing_is_empty():
    assert summary([]).empty
