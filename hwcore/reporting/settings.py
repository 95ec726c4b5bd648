"""The settings and models of an experiment, as its section and the appendices show them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import compress
from typing import Any

from hwcore.claims.words import ABSENT
from hwcore.reporting.words import pipe_table, plain

Context = Mapping[str, Any]
_DIFFERS = "differs by model"


def spoken(variant: str) -> str:
    """The name of a variant at the beginning of a sentence: `As described`."""
    return variant.replace("-", " ").capitalize()


def settings_line(variants: Sequence[Context], place: str) -> str:
    """The settings of an experiment in a sentence, those of its variants where they differ, and a link to all."""
    first, *others = variants
    told = _listed(first, _keys([first]))
    lines = [f"{_head(first)}{told}." if others else f"{told}."]
    for other in others:
        keys = [key for key in _keys(variants) if _setting(key, other) != _setting(key, first)]
        if keys:
            lines.append(f"{_head(other)}{_listed(other, keys)}.")
    return f'<div class="settings">\n\n{" ".join(lines)} [All settings](#{place}).\n\n</div>'


def settings_table(variants: Sequence[Context]) -> str:
    """A row for each setting, and each analysis with options, and a column for each variant."""
    lines = [(key, [_setting(key, each) for each in variants]) for key in _keys(variants)]
    analyses = dict.fromkeys(name for each in variants for name, options in each["analyses"].items() if options)
    for name in analyses:
        given = [each["analyses"].get(name) for each in variants]
        kind = next(each["kinds"].get(name, name) for each in variants if name in each["analyses"])
        lines.append((kind, ["not run" if own is None else own or "default options" for own in given]))
    rows = []
    for key, texts in lines:
        values = [plain(text) for text in texts]
        shown = values[:1] if len(set(values)) == 1 else values
        rows.append([key, *shown, *["the same"] * (len(variants) - len(shown))])
    if len(variants) == 1:
        return pipe_table(["setting", "value"], rows)
    heads = ["setting", *(each["variant"] for each in variants)]
    return pipe_table(heads, rows, widths=[16, *[42 // len(variants) * 2] * len(variants)])


def models_table(variants: Sequence[Context], count: Callable[[Context], int]) -> str:
    """A row for each model, or for each of its forms where a variant changes it; ``count`` gives its parameters.

    A number of parameters that the report states is marked as right or wrong.
    """
    forms: dict[tuple[str, ...], list[str]] = {}
    for each in variants:
        for model in each["models"]:
            extra = ", ".join(
                value if key == "images" else f"{key} {value}" for key, value in model["settings"].items()
            )
            own, reported = count(model), model["reported_parameters"]
            stated = f"{reported:,} {'✓' if reported == own else '✗'}" if reported else ""
            form = (plain(model["label"]), plain(model["layers"]), plain(extra), f"{own:,}", stated)
            forms.setdefault(form, []).append(each["variant"])
    rows = [(form[0], ", ".join(of) if len(of) < len(variants) else "all", *form[1:]) for form, of in forms.items()]
    order = list(dict.fromkeys(row[0] for row in rows))
    rows.sort(key=lambda row: order.index(row[0]))
    heads = ("model", "variant", "layers", "its own settings", "parameters", "reported")
    # a column that says nothing is left out
    told = [any(row[i] not in ("", "all") for row in rows) for i in range(len(heads))]
    shown = [tuple(compress(line, told)) for line in (heads, *rows)]
    return pipe_table(shown[0], shown[1:], numbers={"parameters", "reported"})


def choices_table(experiments: Iterable[Context]) -> str:
    """The settings that were chosen because the report is silent, with the reasons; empty if there are none."""
    # the same choice of several experiments by their sections: the first experiment there, and the variants
    rows: dict[tuple[str, ...], dict[str, tuple[str, list[str]]]] = {}
    for each in experiments:
        for choice in each["choices"]:
            places = rows.setdefault(tuple(map(plain, choice)), {})
            places.setdefault(plain(each["section"]), (each["base"], []))[1].append(each["variant"])
    lines = [
        [
            *choice,
            ", ".join(
                f"[{section}](#experiment-{base})" + ("" if "as-described" in of else f" ({' and '.join(of)})")
                for section, (base, of) in places.items()
            ),
        ]
        for choice, places in rows.items()
    ]
    return pipe_table(["setting", "value", "why", "section"], lines, widths=[14, 20, 40, 12]) if rows else ""


def _keys(variants: Sequence[Context]) -> list[str]:
    keys = dict.fromkeys(key for each in variants for key in each["settings"] if key != "replicates")
    return [*keys, "replicates"]


def _setting(key: str, variant: Context) -> str:
    """A setting of all models of a variant, where those are that differ in it, or that it has no such setting."""
    if value := str(variant["settings"].get(key, variant.get(key, ""))):
        return value
    differs = any(key in model["settings"] for model in variant["models"])
    return _DIFFERS if differs else ABSENT.get(key, "none")


def _head(variant: Context) -> str:
    return f"**{spoken(variant['variant'])}:** "


def _listed(variant: Context, keys: Iterable[str]) -> str:
    """`Adam, learning rate 0.001, full batch, 20 epochs`"""
    values = {key: _setting(key, variant) for key in keys}
    # a length is in epochs or in steps
    told = [key for key, value in values.items() if (key, value) not in (("epochs", "none"), ("steps", "none"))]
    return ", ".join(_in_words(key, plain(values[key])) for key in told)


def _in_words(key: str, value: str) -> str:
    """A setting in the middle of a sentence."""
    if value == "none":
        return f"no {key}"
    if value == _DIFFERS:
        return f"{key} by model"
    if key in ("data", "images", "optimizer", "loss", "modes") or value in ("full batch", *ABSENT.values()):
        return value
    if key in ("epochs", "steps"):
        return f"{value} {key.removesuffix('s') if value == '1' else key}"
    if key == "schedule" and value.startswith("times"):
        return f"learning rate {value}"
    return {"replicates": f"n = {value}", "stops": f"stopped {value}"}.get(key, f"{key} {value}")
