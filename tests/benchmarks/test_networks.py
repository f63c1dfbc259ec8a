"""Every codec of a plan is measured, once, however often the study is interrupted."""

from pathlib import Path

import pytest
from study import CODECS, MADE, STUDY, codecs, copy, measured, refuse

from benchmarks import networks, store
from neural import train_end_to_end


def test_every_codec_of_the_plan_is_measured() -> None:
    assert codecs(measured().rows) == CODECS
    assert [row["config"] for row in measured().rows] == [config.to_dict() for config, _ in STUDY.plan()]
    own, _, *reused = (row["measurement"] for row in measured().rows)
    for decoder in reused:  # rate and floor belong to the encoder
        assert (decoder["rate"], decoder["floor"]) == (own["rate"], own["floor"])
        assert decoder["target"] != own["target"]
    assert store.Rows(measured().path).rows == measured().rows


def test_what_is_measured_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = copy(measured(), tmp_path / "rows")
    for name in ("train_end_to_end", "train_universal", "evaluate"):
        monkeypatch.setattr(networks, name, refuse)
    assert len(list(networks.measure(STUDY, rows))) == len(CODECS)
    assert rows.path.read_text() == measured().path.read_text()
    monkeypatch.setattr(networks, "provenance", lambda: {**MADE, "commit": "another"})
    assert networks.of_study(STUDY, rows) == []
    with pytest.raises(AssertionError, match="trained again"):
        next(networks.measure(STUDY, rows))


@pytest.mark.parametrize("done", [1, 2, 3])
def test_a_resumed_study_ends_where_one_run_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int) -> None:
    rows, trained = copy(measured(), tmp_path / "rows", done), []
    monkeypatch.setattr(networks, "train_end_to_end", lambda c: trained.append(c) or train_end_to_end(c))
    list(networks.measure(STUDY, rows))
    weights = [config.classification_weight for config in trained]
    assert weights == ([0.01, 0.0] if done == 1 else [0.0])  # the reused encoder once, however many decoders it gets
    assert [row["measurement"] for row in rows.rows] == [row["measurement"] for row in measured().rows]
