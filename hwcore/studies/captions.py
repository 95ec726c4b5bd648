"""Titles and captions: filled with resolved settings, and never at odds with them."""

import re
from collections.abc import Iterator
from dataclasses import replace

from hwcore.errors import HwcoreError
from hwcore.studies.families import placeholders
from hwcore.studies.resolved import Experiment, Figure, Study
from hwcore.studies.settings import Settings

_NUMBER = re.compile(r"[\d,.]+")


def fill(text: str, settings: Settings) -> str:
    """A text with its placeholders filled.  Raises ValueError for one that nothing answers to."""
    return "".join(
        words + (settings.text(name, form) if name is not None else "") for words, name, form in placeholders(text)
    )


def fill_study(study: Study, published: Study, file: str) -> Study:
    """The study with all titles and captions filled and its settings in words; ``published`` has no caps of a scale.

    Raises HwcoreError for a placeholder that nothing answers to, and for a text that a variant makes untrue.
    """
    experiments = {}
    for id, experiment in study.experiments.items():
        settings = Settings([experiment], [published.experiments[id]])
        at = f"{file}: experiments.{id}"
        if id != experiment.base and experiment.base in published.experiments:
            _check_letters(published.experiments[id], published.experiments[experiment.base], at)
        figures = {
            name: _figure(figure, settings, f"{at}.figures.{name}") for name, figure in experiment.figures.items()
        }
        title = _text(experiment.title, settings, f"{at}.title")
        experiments[id] = replace(experiment, title=title, figures=figures, values=settings)
    comparisons = {}
    for name, comparison in study.figures.items():
        settings = Settings(
            [study.experiments[id] for id in comparison.experiments],
            [published.experiments[id] for id in comparison.experiments],
        )
        figure = _figure(comparison.figure, settings, f"{file}: figures.{name}")
        comparisons[name] = replace(comparison, figure=figure)
    not_rerun = {}
    for id, each in study.not_rerun.items():
        base = [one.experiments[each.base] for one in (study, published) if each.base in one.experiments]
        title = _text(each.title, Settings(base[:1], base[1:]), f"{file}: experiments.{id}.title")
        not_rerun[id] = replace(each, title=title)
    return replace(study, experiments=experiments, figures=comparisons, not_rerun=not_rerun)


def _figure(figure: Figure, settings: Settings, at: str) -> Figure:
    return replace(figure, caption=_text(figure.caption, settings, f"{at}.caption"))


def _text(text: str, settings: Settings, at: str) -> str:
    try:
        return fill(text, settings)
    except ValueError as error:
        raise HwcoreError(f"{at}: {error}") from None


def _check_letters(variant: Experiment, base: Experiment, at: str) -> None:
    """Raise HwcoreError if a text that a variant shares with its base states what the variant changes.

    A text states a setting if it has its value in letters: a number other than 0 and 1, a formula, a name.
    """
    texts = {"title": (variant.title, base.title)}
    for name, figure in variant.figures.items():
        if name in base.figures:
            texts[f"figures.{name}.caption"] = (figure.says, base.figures[name].says)
    changes = list(_changes(base, variant))
    for key, (text, original) in texts.items():
        if text != original:
            continue
        words = " ".join(part for part, _, _ in placeholders(text))
        for setting, value, other in changes:
            if _states(words, value):
                raise HwcoreError(
                    f"{at}.{key}: says {value!r}, but here {setting} is {other}: "
                    f"write {{{setting}}}, or give the variant a text of its own"
                )


def _changes(base: Experiment, variant: Experiment) -> Iterator[tuple[str, str, str]]:
    """The settings that a variant changes: name, value in words, and the variant's value.

    A word that is another setting of the variant is left out, since a text may mean that one: labels are still random.
    """
    before, after = (Settings([each], [each]) for each in (base, variant))
    values: set[str] = set()
    for name in before.changed(after):
        value, other = before.get(name), after.get(name)
        if value is None or other is None or value == other:
            continue
        if not _NUMBER.fullmatch(value):
            values = values or {*after.values()}
            if value in values:
                continue
        yield name, value, other
        # the parts of a formula that the other has not: sin(5πx) of sgn(sin(5πx))
        for part in re.findall(r"\w+\([^()]*\)", value):
            if part not in other:
                yield name, part, other


def _states(text: str, value: str) -> bool:
    if value in ("0", "1", "none", "all", "yes", "no"):
        return False
    forms = {value, value.replace(",", "")} if _NUMBER.fullmatch(value) else {value}
    # the widths of 784-30-10 are none
    alone = r"(?<![\w.,])(?<!\d-){}(?![\w]|[.,]\d|-\d)"
    return any(re.search(alone.format(re.escape(form)), text, re.IGNORECASE) for form in forms)
