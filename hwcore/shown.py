"""How Snakemake's own report (`snakemake --report`) names figures and pages, and what it says of them."""

import re
from dataclasses import dataclass

from hwcore.plan import Plan
from hwcore.questions.catalog import QUESTIONS
from hwcore.studies.resolved import Figure, Study

_ACROSS = "Questions across studies"
_PAGE = "The whole report"
# What begins markup in reStructuredText: emphasis, literals, substitutions, references, escapes.
_MARKUP = re.compile(r"[\\*`|_]")


@dataclass(frozen=True)
class Shown:
    """Where a file stands (category and subcategory), what tells it from its neighbours, and its caption.

    The caption is plain text in reStructuredText.
    """

    category: str
    subcategory: str
    labels: dict[str, str]
    caption: str


def shown(plan: Plan, name: str) -> Shown:
    """Of a figure, `study/experiment/figure`, `study/figure` or `questions/question`, or a page, `study`."""
    first, *rest = name.split("/")
    if first not in plan.studies:
        if not rest:
            return Shown(_ACROSS, _PAGE, _page(), _text("All questions, with what each study ran and found."))
        question = QUESTIONS[rest[0]]
        return Shown(_ACROSS, question.title, _figure(rest[0], "all studies"), _text(question.caption))
    study = plan.studies[first]
    if not rest:
        return Shown(study.title, _PAGE, _page(), _text(_about(study)))
    *experiment, last = rest
    if not experiment:
        figure: Figure = study.figures[last].figure
        return Shown(study.title, "Several experiments", _figure(last, "several"), _text(figure.caption))
    of = study.experiments[experiment[0]]
    labels = _figure(last, of.variant.replace("-", " "))
    return Shown(study.title, f"{of.section} {of.title}", labels, _text(of.figures[last].caption))


def _figure(name: str, variant: str) -> dict[str, str]:
    return {"figure": name.replace("-", " "), "variant": variant}


def _page() -> dict[str, str]:
    return {"page": "HTML"}


def _about(study: Study) -> str:
    source = study.source
    of = f"A reproduction of “{source.title}” by {source.author}, {source.date}: " if source else ""
    return of + "verdicts, figures and settings."


def _text(text: str) -> str:
    # an escaped space, which is not shown, so that no beginning is that of a list
    return "\\ " + _MARKUP.sub(r"\\\g<0>", text)
