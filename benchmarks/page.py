"""One page with the figure, the table and what they were made by."""

from __future__ import annotations

import base64

import pandas as pd

from benchmarks.html import render
from benchmarks.theory import Bound

_BODY = """<h1>Theory against networks</h1>
<p>Handwritten digits of 8×8 pixels, {{ images }} held-out images.
{% if not complete %}<strong>This run was interrupted: what follows is what it had finished.</strong>{% endif %}</p>
<figure><img alt="Distortion against classification loss" src="data:image/png;base64,{{ figure }}"></figure>
{% if bound %}
<p>The band is certified: at R = {{ "%.3f"|format(bound.rate) }} bits no code on this alphabet has less distortion
than its lower edge, and one has that of its upper edge. Its largest width at the computed points is
{{ "%.2g"|format(width) }} per pixel. The source is the held-out images themselves with their labels, so at this rate it
is somewhat easier than digits that nobody has seen. The alphabet has {{ bound.letters|length }} letters, means of
images fitted to the source: the upper edge holds for any letters, the lower edge for these. Classification is
H(S|X̂, T) with a tag T. Computed in {{ "%.0f"|format(bound.seconds) }} s.</p>
{% endif %}
<p>A codec's C is the cross-entropy of its own pre-trained classifier, which is never below the floor H(S|Z,U) of its
encoder, and its rate is H(Z|U); the dither U is shared. The theory's R is the least rate at the D and C that the codec
achieves.</p>
<div class="scroll"><table>
<caption>Mean ± standard deviation over seeds.</caption>
<thead><tr>{% for name in header %}<th>{{ name }}</th>{% endfor %}</tr></thead>
<tbody>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</tbody>
</table></div>
<h2>Provenance</h2>
<p>{% for name, value in provenance.items() %}{{ name }} <code>{{ value }}</code>{{ ", " if not loop.last }}
{% endfor %}. {{ seconds }}</p>
"""


def page(
    frame: pd.DataFrame, bound: Bound | None, png: bytes, provenance: dict[str, str], seconds: float, complete: bool
) -> str:
    """Return the page as one self-contained HTML text."""
    header, rows = _cells(frame)
    return render(
        "theory against networks",
        _BODY,
        figure=base64.b64encode(png).decode(),
        bound=bound,
        width=float((bound.upper - bound.lower).max()) if bound is not None else 0.0,
        images=bound.images if bound is not None else "the",
        header=header,
        rows=rows,
        provenance=provenance,
        seconds=f"This run took {seconds:.0f} s.",
        complete=complete,
    )


def _cells(frame: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    header = [
        "codec",
        "λ_c",
        "seeds",
        "H(Z|U) bits",
        "D per pixel",
        "C bits",
        "floor bits",
        "accuracy",
        "judge accuracy",
    ]
    known = "theory_D_upper" in frame
    if known:
        header += ["theory's D at this C", "D / theory's", "theory's R at this D, C"]
    body = []
    for _, row in frame.iterrows():
        family = "end to end" if pd.isna(row["encoder"]) else f"universal, encoder λ_c = {row['encoder']:g}"
        cells = [family, f"{row['weight']:g}", f"{row['seeds']:.0f}"]
        for name, digits in (("rate", 2), ("D", 4), ("C", 3), ("floor", 3), ("accuracy", 3), ("judge_accuracy", 3)):
            cells.append(f"{row[name]:.{digits}f} ± {row[name + '_sd']:.{digits}f}")
        if known:
            cells.append(f"{row['theory_D_lower']:.4f} to {row['theory_D_upper']:.4f}")
            cells.append(f"{row['D_over_theory']:.2f}")
            cells.append(f"{row['theory_R_lower']:.2f} to {row['theory_R_upper']:.2f}")
        body.append(cells)
    return header, body
