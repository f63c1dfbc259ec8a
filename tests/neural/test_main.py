"""The command line: what it prints is what the functions measure."""

import json

import pytest

from neural import evaluate, load_run
from neural.__main__ import main


def printed(capsys, *arguments):
    main([str(argument) for argument in arguments])
    return json.loads(capsys.readouterr().out)


def test_train_then_universal_then_evaluate(tmp_path, capsys):
    path = tmp_path / "run.pt"
    (trained,) = printed(capsys, "train", "--weight", 0.01, "--epochs", 2, "--dithers", 2, "--save", path)
    assert trained["measurement"] == evaluate(load_run(path), dithers=2).to_dict()
    assert (trained["config"]["classification_weight"], trained["encoder"]) == (0.01, None)

    reused = printed(capsys, "universal", path, "--weights", 0, 0.02, "--dithers", 2, "--save", tmp_path / "new")
    assert [each["config"]["classification_weight"] for each in reused] == [0, 0.02]
    assert [each["encoder"] for each in reused] == [trained["config"]] * 2
    assert {each["measurement"]["rate"] for each in reused} == {trained["measurement"]["rate"]}

    (measured,) = printed(capsys, "evaluate", tmp_path / "new" / "weight-0.02.pt", "--dithers", 2)
    assert measured == reused[1]


def test_an_error_is_one_sentence(tmp_path):
    with pytest.raises(SystemExit, match=r"^ValueError: epochs must be >= 1 \(got 0\)"):
        main(["train", "--epochs", "0"])
    with pytest.raises(SystemExit, match=r"^FileNotFoundError: .*missing.pt"):
        main(["evaluate", str(tmp_path / "missing.pt")])


@pytest.mark.parametrize("command", [(), ("train",), ("universal",), ("evaluate",)])
def test_help_explains_every_option(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "usage: python -m neural" in text
    assert all(word in text for word in (["train", "universal"] if not command else ["--dithers", "--device"]))
