"""The Markdown page of a study: its prose, filled with settings, figures and verdicts."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import jinja2
import pandas as pd

from hwcore.claims.words import sentence
from hwcore.errors import HwcoreError
from hwcore.files import read_json, write_text
from hwcore.reporting import absent, axes
from hwcore.reporting.claims import about_figure, claims_table, ledger
from hwcore.reporting.filling import fill
from hwcore.reporting.judging import judging
from hwcore.reporting.runtimes import Runtime, runtime_table, runtimes
from hwcore.reporting.settings import choices_table, models_table, settings_line, settings_table, spoken
from hwcore.reporting.summary import abstract, summary
from hwcore.reporting.template import ORIGINAL
from hwcore.reporting.words import banner, bracketed, measured, plain, short_banner, verdict_counts

Context = dict[str, Any]
# what lies below it differs from run to run
APPENDIX = "## Appendix: where the time went {#appendix-runtimes}"
# the rules whose runtimes no page tells: those of the pages would be of earlier ones, and those of figures, which are
# seconds, would make another page of each line that is drawn thinner
_UNTOLD = ("figure", "markdown", "html", "latex", "pdf")
_NAMED = 4  # models whose runs the sources of a figure name
_UP = "../"  # from results/<scale>/report/ to results/<scale>/


def render(context: Context, template: Path, claims: Path, output: Path, *, plans: Iterable[Path] = ()) -> None:
    """Fill ``template`` (Jinja) with a study's ``context`` and judged ``claims`` and write the page.

    The template may call ``experiment(id)``, ``figure(experiment id, name)`` or ``figure(name)`` for one of several
    experiments, ``ref`` with the same arguments for a link to it, ``setting(experiment id, name)``, ``claims()`` and
    ``value(claim id)``.  What stands within ``{% call experiment(id) %}`` and ``{% endcall %}`` comes after the heading
    of the experiment.  The page begins with a summary and ends with appendices; ``plans`` are the files of the jobs
    whose runtimes one of them tells.

    Raises HwcoreError, naming file and line, for a mistake in it.
    """
    page = _Page(context, pd.read_parquet(claims), output)
    # which figures stand by themselves is known once it is filled, and their numbers then: the third time all is right
    for _ in range(3):
        page.begin()
        body = fill(template, page.functions)
    if left_out := page.left_out():
        raise HwcoreError(f"{template}: has no {left_out}")
    times = [time for time in runtimes(plans) if time.rule not in _UNTOLD]
    parts = [
        _header(context, abstract(context, page.table)),
        banner(context["scale"]),
        summary(context, page.table, page.reference),
        _introduced(body.strip()),
        *page.appendices(times),
    ]
    write_text(output, "\n\n".join(filter(None, parts)) + "\n")


def _introduced(body: str) -> str:
    """Prose before the first heading has one of its own: it would stand below the caveats of the summary."""
    return body if not body or body.startswith("#") else f"## Introduction {{#introduction .unnumbered}}\n\n{body}"


def _header(context: Context, abstract: str) -> str:
    source = context["source"]
    lines = {
        "title": plain(context["title"]),
        "subtitle": source and plain(f"A reproduction of “{source['title']}” by {source['author']}, {source['date']}"),
        "author": plain(context["author"] or ""),
        "date": plain(context["date"] or ""),
        "lang": "en",
        "banner": short_banner(context["scale"]),
        "abstract": abstract,
    }
    quoted = [f"{key}: {_quoted(value)}" for key, value in lines.items() if value]
    return "\n".join(["---", *quoted, *(_original(source) if source else []), "---"])


def _quoted(value: str) -> str:
    return f"'{value.replace(chr(39), chr(39) * 2)}'"


def _original(source: Mapping[str, Any]) -> list[str]:
    """The report that the study reproduces, as a work that its page always lists and may cite as [@original]."""
    place = source["repository"] or ""
    if place and "://" not in place:
        place = f"https://github.com/{place}"
    lines = ["references:", f"- id: {ORIGINAL}", "  type: report", f"  title: {_quoted(plain(source['title']))}"]
    lines += [
        f"  author: [{{literal: {_quoted(plain(source['author']))}}}]",
        f"  issued: {{literal: {_quoted(plain(source['date']))}}}",
    ]
    return [*lines, *([f"  URL: {_quoted(place)}"] if place else []), f"nocite: '@{ORIGINAL}'"]


class _Page:
    def __init__(self, context: Context, claims: pd.DataFrame, output: Path) -> None:
        self.context = context
        self.table = claims
        self.results = output.parent.parent
        self.experiments: dict[str, Context] = {each["id"]: each for each in context["experiments"]}
        # of the pass that is being made, and of the one before: the number and id of each figure by its path, the
        # paths of figures that stand by themselves, and the claims that are told in full
        self._numbers: dict[str, tuple[str, str]] = {}
        self._known: dict[str, tuple[str, str]] = {}
        self._alone: set[str] = set()
        self._apart: set[str] = set()
        self._told: set[str] = set()

    @property
    def functions(self) -> dict[str, Callable[..., str]]:
        """What a template may call."""
        shown = (self.experiment, self.figure, self.ref, self.claims, self.value, self.setting)
        return {function.__name__: function for function in shown}

    def begin(self) -> None:
        self._known, self._numbers, self._count = self._numbers, {}, 0
        self._apart, self._alone = self._alone, set()
        self._shown: set[str] = set()

    def left_out(self) -> str:
        """What a page of experiments lacks, in the words of its template; empty if there is nothing."""
        if not self._shown:
            return ""
        for each in (*self.context["experiments"], *self.context["not_rerun"]):
            if each["base"] not in self._shown:
                return f'{{{{ experiment("{each["base"]}") }}}}, so that its claims are nowhere'
        for each in self.context["figures"]:
            if each["path"] not in self._numbers:
                return f'{{{{ figure("{each["name"]}") }}}}, so that this figure is nowhere'
        return ""

    def reference(self, path: str) -> str:
        """A link to a figure, or nothing if the page does not show it."""
        if path not in self._known:
            return ""
        number, id = self._known[path]
        return f"[Figure {number}](#{id})"

    def experiment(self, id: str, *, caller: Callable[[], str] | None = None) -> str:
        """Settings, models, the figures of all variants and the verdicts of one experiment.

        The one experiment of a section has its number in the heading; several stand below a heading of the template.
        ``caller`` is the prose between heading and settings.
        """
        not_rerun = {each["id"]: each for each in self.context["not_rerun"]}
        base = self._find(self.experiments | not_rerun, id, "experiment")
        if base["base"] in self._shown:
            raise jinja2.TemplateRuntimeError(f"the experiment {base['base']!r} is on the page already")
        self._shown.add(base["base"])
        variants = [each for each in self.context["experiments"] if each["base"] == base["base"]]
        described = (self.experiments | not_rerun).values()
        neighbours = {each["base"] for each in described if each["section"] == base["section"]}
        # the heading of a section such as 3.1 is of the third level, that of a chapter such as 3 of the second
        below = "###" if base["section"].isdecimal() else "####"
        level = f"### {plain(base['section'])}" if len(neighbours) == 1 else below
        parts = [f"{level} {plain(base['title'])} {{#experiment-{base['base']}}}"]
        parts.append(self._question(base))
        parts.append(caller().strip() if caller else "")
        if variants:
            parts += [settings_line(variants, f"settings-{base['base']}"), models_table(variants, self._parameters)]
        parts += [f"**{spoken(each['variant'])}:** {each['why']}" for each in variants if each["why"]]
        parts += [_not_rerun(each) for each in not_rerun.values() if each["base"] == base["base"]]
        names = dict.fromkeys(figure["name"] for each in variants for figure in each["figures"])
        parts += [self._figures(variants, name) for name in names]
        parts.append(self._other_tables(variants))
        own = {each["id"] for each in [*variants, *not_rerun.values()] if each["base"] == base["base"]}
        claims = self.table[self.table.claim.map(self._experiment_of).isin(own)]
        self._told |= {*claims.claim}
        parts.append(claims_table(claims, self.context, self.reference))
        return "\n\n".join(part for part in parts if part)

    def figure(self, first: str, second: str | None = None) -> str:
        """A figure by the id of its experiment and its name, or by its name alone if it shows several experiments.

        That of an experiment is left out of the others of the experiment.
        """
        figure = self._named(first, second)
        if figure["path"] in self._alone:
            names = ", ".join(f'"{name}"' for name in (first, second) if name)
            raise jinja2.TemplateRuntimeError(f"this figure is on the page already; ref({names}) is a link to it")
        self._alone.add(figure["path"])
        self._count += 1
        return self._figure(figure, str(self._count))

    def ref(self, first: str, second: str | None = None) -> str:
        """A link to a figure, by the names that ``figure`` takes."""
        return self.reference(self._named(first, second)["path"])

    def setting(self, experiment: str, name: str) -> str:
        """A setting in words, by the name that captions use too."""
        return plain(self._find(self._find(self.experiments, experiment, "experiment")["values"], name, "setting"))

    def appendices(self, times: list[Runtime]) -> list[str]:
        """How claims were judged, settings, choices, and where the time of the study's jobs went, if that was noted."""
        how = judging(self.table)
        parts = ["## Appendix: how claims were judged {#appendix-judging}", how] if how else []
        parts += ["## Appendix: settings {#appendix-settings}", *_pairing(self.context["experiments"])]
        for base in dict.fromkeys(each["base"] for each in self.context["experiments"]):
            variants = [each for each in self.context["experiments"] if each["base"] == base]
            title = f"{plain(variants[0]['section'])} {plain(variants[0]['title'])}"
            parts += [f"### {title} {{#settings-{base} .unlisted}}", settings_table(variants)]
        if chosen := choices_table(self.context["experiments"]):
            silent = "the original report is silent or unclear, or was not followed"
            silent = silent if self.context["source"] else "there was a choice"
            parts += [
                "## Appendix: choices {#appendix-choices}",
                f"Where {silent}, these settings were chosen.",
                chosen,
            ]
        if times:
            parts += [APPENDIX, _TIMES, runtime_table(times)]
        return parts

    def claims(self) -> str:
        """All verdicts in short: their counts, then a row for each claim."""
        return f"{verdict_counts(self.table)}\n\n{ledger(self.table, self.context, self._told)}"

    def value(self, claim: str) -> str:
        rows: dict[str, Any] = {str(row.claim): row for row in self.table.itertuples()}
        row = self._find(rows, claim, "claim")
        if row.verdict == "not testable":
            raise jinja2.TemplateRuntimeError(f"the claim {claim!r} is not testable, so that there is no number")
        return measured(row)

    def _named(self, first: str, second: str | None) -> Context:
        place = self.context if second is None else self._find(self.experiments, first, "experiment")
        figure: Context = self._find({each["name"]: each for each in place["figures"]}, second or first, "figure")
        return figure

    def _find(self, known: dict[str, Any], name: str, what: str) -> Any:
        if name not in known:
            raise jinja2.TemplateRuntimeError(f"there is no {what} {name!r}; there are {', '.join(known)}")
        return known[name]

    def _experiment_of(self, claim: str) -> str:
        return str(self.context["claims"].get(claim, ""))

    def _question(self, experiment: Context) -> str:
        """Where the page across studies has the experiment beside others."""
        id = experiment.get("question")
        if not id:
            return ""
        title = self.context["questions"][id]
        return f'<div class="source">\n\nBeside other studies: [{title}](questions.html#{id})\n\n</div>'

    def _parameters(self, model: Mapping[str, Any]) -> int:
        """Of the plan, or of the run where only that has built the network."""
        planned: int | None = model["parameters"]
        return int(read_json(self.results / model["run"])["parameters"]) if planned is None else planned

    def _figures(self, variants: list[Context], name: str) -> str:
        """One figure of all variants, beside each other where the page is wide enough.

        In half of a page the letters of two columns of panels are too small.
        """
        shown = [
            (each, figure)
            for each in variants
            for figure in each["figures"]
            if figure["name"] == name and figure["path"] not in self._apart
        ]
        if not shown:
            return ""
        self._count += 1
        if len(variants) == 1:
            return self._figure(shown[0][1], str(self._count))
        drawn, told = [], ""
        recipes = [read_json(self.results / figure["recipe"]) for _, figure in shown]
        scales = [recipe.get("axes", []) for recipe in recipes]
        for letter, (each, figure), scale in zip("abcdef", shown, scales, strict=False):
            number = f"{self._count}{letter}" if len(shown) > 1 else str(self._count)
            other = " (different vertical scale)" if axes.differ(scales[0], scale) else ""
            which = f"{spoken(each['variant'])}{other}."
            # the same words need not be read twice
            caption = which if figure["caption"] == told else f"{which} {figure['caption']}"
            told = figure["caption"]
            drawn.append(self._figure({**figure, "caption": caption}, number))
        if len(drawn) == 1:
            return drawn[0]
        wide = " wide" if any(recipe.get("beside", 1) > 1 for recipe in recipes) else ""
        return "\n\n".join([f'<div class="variants{wide}">', *drawn, "</div>"])

    def _figure(self, figure: Context, number: str) -> str:
        """The figure below what it has to say of claims, and above what it was made of."""
        id = f"figure-{figure['path'].partition('/')[2].partition('/')[2].replace('/', '--')}"
        self._numbers[figure["path"]] = number, id
        recipe = read_json(self.results / figure["recipe"])
        if note := absent.note(figure["path"], number, recipe):
            return f'<div class="missing" id="{id}">\n\n{note}\n\n</div>'
        made = self._commit(figure["recipe"])
        image = f"![**Figure {number}.** {bracketed(figure['caption'])}]({_UP}{figure['path']}.svg)"
        sources = (
            f"Data: {_links(figure['tables'])} · settings: {_links(figure['runs'])} · "
            f"figure: [recipe]({_UP}{figure['recipe']}), {made}"
        )
        source = f'<div class="source">\n\n{sources}\n\n</div>'
        shows = about_figure(self.table[self.table.figure == figure["path"]])
        parts = [f'<div class="figure" id="{id}">', shows, image, source, "</div>"]
        return "\n\n".join(filter(None, parts))

    def _other_tables(self, variants: list[Context]) -> str:
        """Tables that no figure shows."""
        shown = {path for each in variants for figure in each["figures"] for path in figure["tables"]}
        links = []
        for each in variants:
            for table in each["tables"]:
                if table["path"] not in shown:
                    name = f"{table['name']} ({each['variant']})" if len(variants) > 1 else table["name"]
                    links.append(f"[{name}]({_UP}{table['path']}), {self._commit(table['recipe'])}")
        return f'<div class="source">\n\nMore tables: {"; ".join(links)}\n\n</div>' if links else ""

    def _commit(self, recipe: str) -> str:
        said = read_json(self.results / recipe)
        if said["commit"] is None:
            return "not under version control"
        return f"commit `{said['commit'][:10]}`" + (" with uncommitted changes" if said["dirty"] else "")


def _not_rerun(each: Context) -> str:
    name = "" if each["id"] == each["base"] else f"{spoken(each['variant'])}, not re-run"
    why = f"{each['why']} " if each["why"] else ""
    reason = each["reason"].strip()
    # several paragraphs are Markdown of the study's own
    reason = reason if "\n" in reason else sentence(reason)
    return f"**{name or 'Not re-run'}:** {why}{reason}"


def _pairing(experiments: list[Context]) -> list[str]:
    """What variants of an experiment share: all of their runs, or the seeds of these."""
    names = {each["id"]: each for each in experiments}
    lines = [
        f"The variant “{each['variant']}” of “{plain(each['title'])}” trains nothing: its runs are those of "
        f"“{names[each['trained_in']]['variant']}”."
        for each in experiments
        if each["trained_in"]
    ]
    if any(each["paired_with"] and not each["trained_in"] for each in experiments):
        lines.append(
            "Replicates of a model have the same seeds in all variants: where network and data are the same, they "
            "start from the same weights and take the samples in the same order, so that variants are compared "
            "pair by pair."
        )
    return lines


_TIMES = """
What the jobs took that made the data and tables of this report, in the order of the pipeline. *Waiting* is from when
the inputs of a job are there until a core is free for it, *starting* from then to the first line of its own work.
""".strip()


def _links(paths: Iterable[str]) -> str:
    """Links to tables and runs, by what they are of: `metrics of shallow, deep; evaluation`.

    Those of many models are one, to the folder of their experiment: `metrics of 10 models`.
    """
    split = [PurePosixPath(path) for path in paths]
    models = Counter((path.parents[1], path.name) for path in split)
    files: dict[str, dict[str, str]] = {}
    for path in split:
        kind, _, experiment, *model, file = path.parts
        name, count = file.partition(".")[0], models[path.parents[1], file]
        if kind != "runs":
            files.setdefault(name, {})[experiment] = str(path)
        elif count > _NAMED:
            files.setdefault(name, {})[f"{experiment} {count} models"] = str(path.parents[1])
        else:
            files.setdefault(name, {})[f"{experiment} {model[0]}"] = str(path)
    places = {place.partition(" ")[0] for kind in files.values() for place in kind}
    parts = []
    for name, own in files.items():
        # what all come from need not be said
        short = {(place.partition(" ")[2] if len(places) == 1 else place): path for place, path in own.items()}
        links = ", ".join(f"[{place or name}]({_UP}{path})" for place, path in short.items())
        parts.append(links if [*short] == [""] else f"{name} of {links}")
    return "; ".join(parts)
