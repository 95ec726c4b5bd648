"""Every kind of figure with data that are hard to show, beside stored pictures.

``RENEW=1 python -m pytest tests/test_figure_gallery.py`` stores those of today; look at what changed before you commit.
"""

import io
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image
from test_figures import CASES, LABELS, landscape_lines
from test_questions import drawn, example

from hwcore.studies.kinds import FIGURES
from hwcore.studies.kinds import labels as column_labels

PICTURES = Path(__file__).parent / "gallery"
DPI = 50
# of 255: far more than another compiler does to the edge of a letter, far less than a letter that moved
MOST = 2.0

Tables = dict[str, pd.DataFrame]
Labels = dict[str, str]
LONG = "784-1000-1000-1000-1000-10 with dropout, batch normalisation and a learning rate of 0.0001"
# what says where a row stands, and what the figure would not show otherwise
_PLACES = {"replicate", "epoch", "step", "x", "y", "alpha", "at", "layer", "parameters", "batch_size", "lr"}


def measured(rows: pd.DataFrame) -> list[str]:
    return [
        str(column) for column in rows.columns if rows[column].dtype == float and column not in _PLACES and rows.size
    ]


def one_point(rows: pd.DataFrame) -> pd.DataFrame:
    """A single row; of a plane, two by two points, as fewer have no contours."""
    if "kind" in rows and rows["y"].notna().any():
        corners = rows["x"].isin(sorted(rows["x"].unique())[:2]) & rows["y"].isin(sorted(rows["y"].unique())[:2])
        return rows[corners & (rows["kind"] == "surface")]
    return rows.head(1)


def diverged(rows: pd.DataFrame) -> pd.DataFrame:
    """All replicates of the second model, and one of the first."""
    lost = (rows["model"] == "b") | (rows["replicate"] == 1)
    return rows.assign(**{column: rows[column].mask(lost) for column in measured(rows)})


def twelve(rows: pd.DataFrame) -> pd.DataFrame:
    own = rows[rows["model"] == "a"]
    copies = [
        own.assign(
            model=f"m{i}",
            **{column: own[column] * (1 + i) / 12 for column in measured(rows)},
            **{column: own[column] * 2**i for column in ("parameters", "batch_size") if column in rows},
            **({"pair": f"m{i} → m{i + 1}"} if "pair" in rows else {}),
        )
        for i in range(12)
    ]
    return pd.concat(copies, ignore_index=True)


def decades(rows: pd.DataFrame) -> pd.DataFrame:
    """Six of them from the first row to the last; fractions stay fractions."""
    factor = 10 ** np.linspace(-6, 0, len(rows))
    return rows.assign(
        **{
            column: rows[column] * factor
            for column in measured(rows)
            if not column.endswith(("accuracy", "ratio", "share")) and not column.startswith(("ratio", "explained"))
        }
    )


def single(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["replicate"] == 0]


def many(rows: pd.DataFrame) -> pd.DataFrame:
    """More replicates than are shown one by one, with a wide spread."""
    copies = [
        rows.assign(
            replicate=rows["replicate"] + 4 * i, **{column: rows[column] ** (1 + i) for column in measured(rows)}
        )
        for i in range(3)
    ]
    return pd.concat(copies, ignore_index=True)


HARD: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "one-point": one_point,
    "diverged": diverged,
    "twelve-models": twelve,
    "six-decades": decades,
    "one-replicate-long-names": single,
    "many-replicates": many,
}


def kind_of(name: str) -> tuple[str, Tables, dict[str, Any]]:
    if name == "landscape-lines":
        return "landscape", {"t": landscape_lines()}, CASES["landscape"][1]
    tables, options = CASES[name]
    return name, tables, options


def hard(name: str, case: str) -> Figure:
    kind, tables, options = kind_of(name)
    tables = {key: HARD[case](rows.reset_index(drop=True)) for key, rows in tables.items()}
    if case == "twelve-models":
        labels = {f"m{i}": f"network {i}" for i in range(13)}
    elif case == "one-replicate-long-names":
        labels = {model: f"{LONG}, {label}" for model, label in LABELS.items()}
    else:
        labels = LABELS
    spec = FIGURES[kind].model_validate(options)
    chance = {"chance": {"accuracy": 0.1, "loss": np.log(10)}} if spec.guessed() else {}
    draw = import_module(f"hwcore.figures.{kind}").draw
    shown = draw(tables, labels=labels, column_labels=column_labels(spec.columns()), **chance, **options)
    assert isinstance(shown, Figure)
    return shown


def pictures() -> Iterator[tuple[str, Callable[[], Figure]]]:
    for name in [*CASES, "landscape-lines"]:
        for case in HARD:
            yield f"{name}-{case}", lambda name=name, case=case: hard(name, case)
    for question in ("capacity", "random-labels", "minimal-ratio"):
        yield f"across-{question}", lambda question=question: drawn(question, **example(question, "abcde", 3))


def png(figure: Figure) -> bytes:
    """The picture with 32 colours at most: a few kilobytes."""
    whole = io.BytesIO()
    figure.savefig(whole, format="png", dpi=DPI)
    small = io.BytesIO()
    Image.open(whole).convert("RGB").quantize(32).save(small, format="png", optimize=True)
    return small.getvalue()


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=float)


@pytest.mark.parametrize(("name", "draw"), [pytest.param(*each, id=each[0]) for each in pictures()])
def test_it_looks_as_it_did(name: str, draw: Callable[[], Figure], tmp_path: Path) -> None:
    now, stored = png(draw()), PICTURES / f"{name}.png"
    if os.environ.get("RENEW"):
        stored.parent.mkdir(exist_ok=True)
        if not stored.exists() or pixels(stored.read_bytes()).tolist() != pixels(now).tolist():
            stored.write_bytes(now)
        return
    (tmp_path / "now.png").write_bytes(now)
    before, after = pixels(stored.read_bytes()), pixels(now)
    how = f"compare {stored} with {tmp_path / 'now.png'}; RENEW=1 stores pictures anew"
    assert before.shape == after.shape, how
    assert np.sqrt(((before - after) ** 2).mean()) <= MOST, how


def test_a_change_of_look_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test of these tests: a curve of another colour or a word elsewhere is more than MOST."""
    before = pixels(png(hard("curves", "diverged")))
    monkeypatch.setitem(mpl.rcParams, "lines.linewidth", 2.2)
    after = pixels(png(hard("curves", "diverged")))
    assert before.shape == after.shape
    assert np.sqrt(((before - after) ** 2).mean()) > MOST


def test_the_gallery_is_small_and_has_no_leftovers() -> None:
    assert {path.stem for path in PICTURES.iterdir()} == {name for name, _ in pictures()}
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < 1_000_000
