"""Three meanings of classification on one figure."""

from pathlib import Path

import numpy as np

from benchmarks import alphabets


def test_a_tag_costs_least_and_a_fixed_classifier_most() -> None:
    found = alphabets.curves(4)
    tagged, fixed, judged = (found[name] for name in ("tagged", "fixed", "judged"))
    assert (tagged.lower <= fixed.upper).all()
    assert (fixed.lower <= judged.upper).all()
    assert judged.upper[-1] > fixed.upper[-1] + 0.1
    assert np.isinf(judged.upper[0])
    top, bottom = alphabets.draw(found).axes
    assert [text.get_text()[:10] for text in top.get_legend().get_texts()] == [
        "fixed clas",
        "letter alo",
        "letter and",
        "certified ",
    ]
    assert len(bottom.lines) == 3 + 2


def test_the_command_writes_the_figure(tmp_path: Path) -> None:
    assert alphabets.main(["--out", str(tmp_path / "new"), "--points", "3"]) == 0
    assert (tmp_path / "new" / "alphabets.png").stat().st_size > 10_000
