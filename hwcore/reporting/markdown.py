"""The Markdown page of a study: its prose, filled with settings, figures and verdicts."""

from collections.abc import Callable, Iterable
from itertools import compress
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from hwcore.errors import HwcoreError
from hwcore.files import read_json, write_text
from hwcore.reporting.runtimes import Runtime, runtime_table, runtimes
from hwcore.reporting.words import banner, claim_head, measured, pipe_table, short_banner, verdict_counts

Context = dict[str, Any]
APPENDIX = "## Appendix: where the time went {#runtimes}"
CHOICES = "## Appendix: choices {#choices}"
# the rules that come after this page; their runtimes would be those of an earlier one
_PAGES = ("markdown", "html", "latex", "pdf")
_UP = "../"  # from results/<scale>/report/ to results/<scale>/


def render(context: Context, template: Path, claims: Path, output: Path, *, plans: Iterable[Path] = ()) -> None:
    """Fill ``template`` (Jinja) with a study's ``context`` and judged ``claims`` and write the page.

    The template may call ``banner()``, ``experiment(id)``, ``figure(experiment id, name)`` or ``figure(name)`` for
    one of several experiments, ``setting(experiment id, name)``, ``claims()`` and ``value(claim id)``.  What stands
    within ``{% call experiment(id) %}`` and ``{% endcall %}`` comes after the heading of the experiment.  ``plans``
    are the files of the jobs whose runtimes the appendix tells.

    Raises HwcoreError, naming file and line, for a mistake in it.
    """
    page = _Page(context, pd.read_parquet(claims), output)
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        # pandoc's attributes begin with {#
        comment_start_string="{%#",
        comment_end_string="#%}",
        keep_trailing_newline=True,
        autoescape=False,
    )
    try:
        body = environment.from_string(template.read_text(encoding="utf-8")).render(
            banner=lambda: banner(context["scale"]),
            experiment=page.experiment,
            figure=page.figure,
            claims=page.claims,
            value=page.value,
            setting=page.setting,
            study=context,
        )
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None) or _line(error)
        raise HwcoreError(f"{template}:{line or ''} {error.message}") from None
    times = [time for time in runtimes(plans) if time.rule not in _PAGES]
    write_text(output, _header(context) + body + page.choices() + _appendix(times))


def _line(error: BaseException) -> int | None:
    trace, line = error.__traceback__, None
    while trace:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _header(context: Context) -> str:
    source = context["source"]
    lines = {
        "title": context["title"],
        "subtitle": source and f"A reproduction of “{source['title']}” by {source['author']}, {source['date']}",
        "lang": "en",
        "banner": short_banner(context["scale"]),
    }
    quoted = (f"{key}: '{value.replace(chr(39), chr(39) * 2)}'" for key, value in lines.items() if value)
    return "---\n" + "\n".join(quoted) + "\n---\n\n"


def _appendix(times: list[Runtime]) -> str:
    """Where the time of the study's jobs went; empty if nothing was noted of any."""
    if not times:
        return ""
    return f"""

{APPENDIX}

What the jobs took that made the data, tables and figures of this report, in the order of the pipeline. A job
waits from when its inputs are there until a core is free for it, and starts until the first line of its own work.

{runtime_table(times)}
"""


class _Page:
    def __init__(self, context: Context, claims: pd.DataFrame, output: Path) -> None:
        self.context = context
        self.table = claims
        self.results = output.parent.parent
        self.experiments: dict[str, Context] = {each["id"]: each for each in context["experiments"]}

    def experiment(self, id: str, caller: Callable[[], str] | None = None) -> str:
        """Settings, models, the figures of all variants and the verdicts of one experiment.

        The one experiment of a section has its number in the heading; several stand below a heading of the template.
        ``caller`` is the prose between heading and settings.
        """
        not_rerun = {each["id"]: each for each in self.context["not_rerun"]}
        base = self._find(self.experiments | not_rerun, id, "experiment")
        variants = [each for each in self.context["experiments"] if each["base"] == base["base"]]
        described = (self.experiments | not_rerun).values()
        neighbours = {each["base"] for each in described if each["section"] == base["section"]}
        level = f"### {base['section']}" if len(neighbours) == 1 else "####"
        parts = [f"{level} {base['title']} {{#experiment-{base['id']}}}"]
        parts.append(self._question(base))
        parts.append(caller().strip() if caller else "")
        if variants:
            parts += [_settings_table(variants), self._models_table(variants)]
        parts += [f"**{each['variant'].capitalize()}:** {each['why']}" for each in variants if each["why"]]
        parts += [_not_rerun(each) for each in not_rerun.values() if each["base"] == base["base"]]
        parts.append(_pairing(variants))
        names = dict.fromkeys(figure["name"] for each in variants for figure in each["figures"])
        parts += [self._figures(variants, name) for name in names]
        parts.append(self._other_tables(variants))
        own = {each["id"] for each in [*variants, *not_rerun.values()] if each["base"] == base["base"]}
        parts.append(self._verdicts(self.table[self.table.claim.map(self._experiment_of).isin(own)]))
        return "\n\n".join(part for part in parts if part)

    def figure(self, *name: str) -> str:
        """A figure by the id of its experiment and its name, or by its name alone if it shows several experiments."""
        *experiment, last = name
        place = self._find(self.experiments, experiment[0], "experiment") if experiment else self.context
        return self._figure(self._find({each["name"]: each for each in place["figures"]}, last, "figure"))

    def setting(self, experiment: str, name: str) -> str:
        """A setting in words, by the name that captions use too."""
        return str(self._find(self._find(self.experiments, experiment, "experiment")["values"], name, "setting"))

    def choices(self) -> str:
        """The appendix of settings that were chosen, with the reasons; empty if there are none."""
        rows: dict[tuple[str, ...], list[str]] = {}
        for each in self.context["experiments"]:
            link = f"[{each['title']}](#experiment-{each['base']})"
            for choice in each["choices"]:
                rows.setdefault((link, *choice), []).append(each["variant"])
        if not rows:
            return ""
        silent = "the original report is silent or unclear" if self.context["source"] else "there was a choice"
        table = pipe_table(
            ["experiment", "setting", "value", "why"],
            [
                [link if variants[0] == "as-described" else f"{link}, {' and '.join(variants)}", *choice]
                for (link, *choice), variants in rows.items()
            ],
            widths=[20, 14, 16, 34],
        )
        return f"\n\n{CHOICES}\n\nWhere {silent}, these settings were chosen.\n\n{table}\n"

    def claims(self) -> str:
        """All verdicts in short: their counts, then a row for each claim."""
        rows = [
            [row.where, row.says, row.reported, measured(row), f"**{row.verdict}**"] for row in self.table.itertuples()
        ]
        heads = ["section", claim_head(self.context), "reported", "measured (95 % interval)", "verdict"]
        table = pipe_table(heads, rows, widths=[8, 40, 12, 26, 14]) if rows else ""
        return f"{verdict_counts(self.table)}\n\n{table}"

    def value(self, claim: str) -> str:
        rows: dict[str, Any] = {str(row.claim): row for row in self.table.itertuples()}
        return measured(self._find(rows, claim, "claim"))

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

    def _models_table(self, variants: list[Context]) -> str:
        """A row for each model, or for each of its forms where a variant changes it."""
        forms: dict[tuple[str, ...], list[str]] = {}
        for each in variants:
            for model in each["models"]:
                extra = ", ".join(f"{key} {value}" for key, value in model["settings"].items())
                reported = f"{model['reported_parameters']:,}" if model["reported_parameters"] else ""
                form = (model["label"], model["layers"], extra, f"{self._parameters(model):,}", reported)
                forms.setdefault(form, []).append(each["variant"])
        rows = [(form[0], ", ".join(of) if len(of) < len(variants) else "all", *form[1:]) for form, of in forms.items()]
        order = list(dict.fromkeys(row[0] for row in rows))
        rows.sort(key=lambda row: order.index(row[0]))
        heads = ("model", "variant", "layers", "its own settings", "parameters", "reported")
        # a column that says nothing is left out
        told = [any(row[i] not in ("", "all") for row in rows) for i in range(len(heads))]
        shown = [tuple(compress(line, told)) for line in (heads, *rows)]
        return pipe_table(shown[0], shown[1:], numbers={"parameters", "reported"})

    def _parameters(self, model: Context) -> int:
        """Of the plan, or of the run where only that has built the network."""
        planned: int | None = model["parameters"]
        return int(read_json(self.results / model["run"])["parameters"]) if planned is None else planned

    def _figures(self, variants: list[Context], name: str) -> str:
        """One figure of all variants, beside each other where the page is wide enough."""
        found = [(each, figure) for each in variants for figure in each["figures"] if figure["name"] == name]
        which = [f"**{each['variant'].capitalize()}.** " if len(variants) > 1 else "" for each, _ in found]
        drawn = [self._figure(figure, name) for (_, figure), name in zip(found, which, strict=True)]
        if len(drawn) == 1:
            return drawn[0]
        inner = "\n\n".join(f"<div>\n\n{each}\n\n</div>" for each in drawn)
        return f'<div class="variants">\n\n{inner}\n\n</div>'

    def _figure(self, figure: Context, which: str = "") -> str:
        tables = _links("table", figure["tables"])
        runs = _links("run", figure["runs"])
        made = self._commit(figure["recipe"])
        image = f"![{which}{figure['caption']}]({_UP}{figure['path']}.svg)"
        sources = f"Data: {tables} · settings: {runs} · figure: [recipe]({_UP}{figure['recipe']}), {made}"
        return f'{image}\n\n<div class="source">\n\n{sources}\n\n</div>'

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

    def _verdicts(self, table: pd.DataFrame) -> str:
        rows = [
            [row.where, row.says, row.metric, row.reported, measured(row), f"**{row.verdict}**", row.reason]
            for row in table.itertuples()
        ]
        heads = [
            "section",
            claim_head(self.context),
            "measured as",
            "reported",
            "measured (95 % interval)",
            "verdict",
            "why",
        ]
        return pipe_table(heads, rows, widths=[7, 21, 16, 8, 14, 11, 23]) if rows else ""


def _not_rerun(each: Context) -> str:
    name = "" if each["id"] == each["base"] else f"{each['variant'].capitalize()}, not re-run"
    why = f"{each['why']} " if each["why"] else ""
    return f"**{name or 'Not re-run'}:** {why}{each['reason']}"


def _pairing(variants: list[Context]) -> str:
    """What the variants of an experiment share: all of their runs, or the seeds of these."""
    names = {each["id"]: each["variant"] for each in variants}
    shared = [
        f"The variant “{each['variant']}” trains nothing: its runs are those of “{names[each['trained_in']]}”."
        for each in variants
        if each["trained_in"]
    ]
    paired = [each for each in variants if each["paired_with"] and not each["trained_in"]]
    if len(paired) > 1:
        shared.append(
            "Replicates of a model have the same seeds in all variants: where network and data are the same, they "
            "start from the same weights and take the samples in the same order, so that variants are compared "
            "pair by pair."
        )
    return " ".join(shared)


def _settings_table(variants: list[Context]) -> str:
    keys = dict.fromkeys(key for each in variants for key in [*each["settings"], "replicates"])
    rows = []
    for key in keys:
        values = [_setting(key, each) for each in variants]
        shown = values[:1] if len(set(values)) == 1 else values
        rows.append([key, *shown, *[""] * (len(variants) - len(shown))])
    if len(variants) == 1:
        return pipe_table(["setting", "value"], rows)
    merged = [[row[0], *(value or "the same" for value in row[1:])] for row in rows]
    return pipe_table(
        ["setting", *(each["variant"] for each in variants)],
        merged,
        widths=[16, *[42 // len(variants) * 2] * len(variants)],
    )


def _setting(key: str, variant: Context) -> str:
    """A setting of all models of a variant, where those are that differ in it, or that it has no such setting."""
    if value := str(variant["settings"].get(key, variant.get(key, ""))):
        return value
    return "see the models" if any(key in model["settings"] for model in variant["models"]) else "none"


def _links(name: str, paths: Iterable[str]) -> str:
    paths = list(paths)
    if len(paths) == 1:
        return f"[{name}]({_UP}{paths[0]})"
    return f"{name}s " + ", ".join(f"[{i}]({_UP}{path})" for i, path in enumerate(paths, start=1))
