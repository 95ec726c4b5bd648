"""Finished results as a Provenance Run Crate: what made each file, from what, when and on which machine.

The profile is https://w3id.org/ro/wfrun/provenance/0.5 (Leo et al. 2024, doi:10.1371/journal.pone.0309210) on
RO-Crate 1.1.  All is read from what lies on disk: plan files, the times that jobs noted, recipes.  Equal results
give equal bytes.
"""

import hashlib
import json
import mimetypes
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hwcore.files import checksum, read_json, write_json, write_text
from hwcore.jobs import Job, planned
from hwcore.provenance import versions

Entity = dict[str, Any]

_WFRUN = "https://w3id.org/ro/terms/workflow-run#"
# The terms that this profile adds to those of RO-Crate.
_CONTEXT = [
    "https://w3id.org/ro/crate/1.1/context",
    {term: _WFRUN + term for term in ("resourceUsage", "sha256")},
]
_WORKFLOW_PROFILE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    _WORKFLOW_PROFILE: ("Workflow RO-Crate", "1.0"),
}
_SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
_PYTHON = "https://www.python.org/"
_LICENCE = "https://spdx.org/licenses/MIT"
# Media types by the end of a name; those of the machine that this runs on may differ.
_MEDIA = mimetypes.MimeTypes()
for _end, _kind in {
    ".lua": "text/x-lua",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".rst": "text/x-rst",
    ".smk": "text/x-snakemake",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
}.items():
    _MEDIA.add_type(_kind, _end)
# The units of resourceUsage.
_SECOND, _MEBIBYTE = "https://qudt.org/vocab/unit/SEC", "https://qudt.org/vocab/unit/MebiBYTE"


def sources(root: Path, studies: Iterable[str]) -> list[Path]:
    """What a crate has a copy of: the workflow, its configuration and the studies; relative to ``root``."""
    patterns = ["Snakefile", "rules/*.smk", "workflow_scripts/*.py", "config.yaml", "requirements/run.txt"]
    patterns += ["report/*.*", *(f"report/{study}/*.*" for study in studies)]
    found = [path.relative_to(root) for pattern in patterns for path in sorted(root.glob(pattern)) if path.is_file()]
    return [path for path in found if path.name != "__init__.py"]


def write_crate(spec: Mapping[str, Any], settings: Mapping[str, Any], plans: Sequence[Path], output: Path) -> None:
    """Write ``output``, ro-crate-metadata.json, and beside it workflow/ with the sources of the workflow.

    ``plans`` are the plan files of the jobs, and the sources are those of ``spec``.
    """
    copies = output.parent / "workflow"
    shutil.rmtree(copies, ignore_errors=True)
    for path in spec["sources"]:
        (copies / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copies / path)
    write_json(copies / "configuration.json", settings["configuration"])
    graph = _Graph(spec, planned(plans), output.parent).entities()
    write_text(output, json.dumps({"@context": _CONTEXT, "@graph": graph}, indent=1, ensure_ascii=False) + "\n")


class _Graph:
    """The entities of a crate, each once, in the order of the jobs."""

    def __init__(self, spec: Mapping[str, Any], jobs: Sequence[Job], root: Path) -> None:
        self._spec = spec
        self._jobs = jobs
        self._root = root
        self._entities: dict[str, Entity] = {}
        self._times = {job.key: read_json(job.timing) for job in jobs if job.timing.is_file()}

    def entities(self) -> list[Entity]:
        copies = [self._root / "workflow" / path for path in [*self._spec["sources"], "configuration.json"]]
        copied = [self._file(path) for path in copies]
        rules = list(dict.fromkeys(job.rule for job in self._jobs))
        tools = {rule: self._tool(rule) for rule in rules}
        steps = {rule: self._step(rule, position, tools[rule]) for position, rule in enumerate(rules, start=1)}
        actions = {job.key: self._action(job, tools[job.rule]) for job in self._jobs}
        controls = [self._control(job, steps[job.rule], actions[job.key]) for job in self._jobs]
        workflow = self._workflow([*tools.values()], [*steps.values()])
        run = self._run(workflow, copied)
        engine = self._engine(run, controls)
        return [
            *self._heads(workflow, [run, engine, *actions.values()]),
            *(_profile(id, name, version) for id, (name, version) in _PROFILES.items()),
            *self._entities.values(),
        ]

    def _add(self, id: str, type: str | list[str], **properties: Any) -> str:
        """Add an entity unless it is there; what is None, or an empty list, is left out."""
        known = {key: value for key, value in properties.items() if value not in (None, [])}
        self._entities.setdefault(id, {"@id": id, "@type": type, **known})
        return id

    def _heads(self, workflow: str, mentioned: list[str]) -> Iterator[Entity]:
        scale, ends = self._spec["scale"], [time["ended"] for time in self._times.values()]
        yield {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": _references(["https://w3id.org/ro/crate/1.1", _WORKFLOW_PROFILE]),
            "about": {"@id": "./"},
        }
        yield {
            "@id": "./",
            "@type": "Dataset",
            "name": f"{'; '.join(self._spec['studies'].values())}: results at scale {scale}",
            "description": f"Experiments of deep-learning course reports, run by hwcore: {self._spec['describes']}.",
            # of the results, not of this file, which would differ each time
            "datePublished": _instant(max(ends, default=0.0)),
            "license": {"@id": _LICENCE},
            "conformsTo": _references(_PROFILES),
            "mainEntity": {"@id": workflow},
            "hasPart": _references(id for id, each in self._entities.items() if "File" in each["@type"]),
            "mentions": _references(mentioned),
        }
        yield {"@id": _LICENCE, "@type": "CreativeWork", "name": "MIT License", "url": _LICENCE}

    def _workflow(self, tools: list[str], steps: list[str]) -> str:
        id = "workflow/Snakefile"
        self._add(_SNAKEMAKE, "ComputerLanguage", name="Snakemake", url={"@id": "https://snakemake.readthedocs.io"})
        self._entities[id] |= {
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
            "name": "hwcore",
            "encodingFormat": "text/x-snakemake",
            "programmingLanguage": {"@id": _SNAKEMAKE},
            "hasPart": _references(tools),
            "step": _references(steps),
        }
        return id

    def _tool(self, rule: str) -> str:
        """The script of a rule, which is among the copies."""
        id = f"workflow/workflow_scripts/{rule}.py"
        self._add(_PYTHON, "ComputerLanguage", name="Python", url={"@id": _PYTHON})
        self._entities[id] |= {
            "@type": ["File", "SoftwareSourceCode"],
            "name": rule,
            "programmingLanguage": {"@id": _PYTHON},
        }
        return id

    def _step(self, rule: str, position: int, tool: str) -> str:
        id, example = f"#step/{rule}", {"@id": tool}
        return self._add(id, "HowToStep", name=rule, position=str(position), workExample=example)

    def _action(self, job: Job, tool: str) -> str:
        """One job: its command, its times, what it read and made, and with which code and packages."""
        time, recipe = self._times.get(job.key, {}), _recipe(job)
        told = [f"python -m workflow_scripts.{job.rule} {job.plan} {job.name}"]
        if "device" in recipe:
            told.append(f"on {recipe['device']} in {recipe['precision']}")
        results = [self._made(path, job) for path in job.outputs.values()]
        if diverged := recipe.get("diverged"):
            told.append(f"{len(diverged)} of {job.spec['replicates']} replicates diverged")
            name, id = "replicates that diverged, counted from 0", f"#diverged/{quote(job.name)}"
            results.append(self._add(id, "PropertyValue", name=name, value=", ".join(map(str, diverged))))
        return self._add(
            f"#job/{quote(job.key)}",
            "CreateAction",
            name=f"{job.rule} {job.name}",
            description="; ".join(told),
            instrument=_references([tool, *self._software({**time, **recipe})]),
            object=_references(
                dict.fromkeys([*self._read(job), *(self._made(path, None) for path in job.inputs.values())])
            ),
            result=_references(results),
            startTime=_instant(time["launched"]) if time else None,
            endTime=_instant(time["ended"]) if time else None,
            actionStatus="http://schema.org/CompletedActionStatus",
            resourceUsage=_references(self._usage(job, time)),
        )

    def _read(self, job: Job) -> Iterator[str]:
        """The sources that say what a job does: the file of its study, and for its page the prose."""
        for name in ("study.yaml", "report.md") if job.rule == "markdown" else ("study.yaml",):
            path = f"report/{job.plan.stem}/{name}"
            if path in self._spec["sources"]:
                yield self._file(self._root / "workflow" / path)

    def _software(self, said: Mapping[str, Any]) -> Iterator[str]:
        """The commit and the versions of packages, as far as the job noted them."""
        if commit := said.get("commit"):
            id = f"#hwcore-{commit}{'-dirty' if said['dirty'] else ''}"
            changed = "with uncommitted changes" if said["dirty"] else "without uncommitted changes"
            yield self._add(id, "SoftwareSourceCode", name="hwcore", version=commit, description=f"commit {changed}")
        if python := said.get("python"):
            place = f"{_PYTHON}downloads/release/python-{python.replace('.', '')}/"
            yield self._application("Python", python, place)
        for package, version in said.get("versions", {}).items():
            if version:
                yield self._application(package, version, _pypi(package, version))

    def _application(self, name: str, version: str | None, place: str) -> str:
        return self._add(place, "SoftwareApplication", name=name, softwareVersion=version, url=place)

    def _usage(self, job: Job, time: Mapping[str, Any]) -> Iterator[str]:
        if not time:
            return
        about = quote(job.key)
        measured = [
            ("cpu", "processor time", time["cpu_seconds"], _SECOND),
            ("memory", "memory of the largest process", time["memory_mb"], _MEBIBYTE),
        ]
        for key, name, value, unit in measured:
            kind = {"propertyID": key, "name": name, "unitCode": unit}
            yield self._add(f"#{key}/{about}", "PropertyValue", value=str(value), **kind)
        if machine := time.get("machine"):
            told = ", ".join([str(machine["cpu"]), f"{machine['cores']} cores", f"{machine['memory_mb']} MB"])
            told += f", accelerators: {', '.join(machine['accelerators']) or 'none'}"
            id = f"#machine-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
            yield self._add(id, "PropertyValue", name="machine", value=told, propertyID="machine")

    def _control(self, job: Job, step: str, action: str) -> str:
        about = {"instrument": {"@id": step}, "object": {"@id": action}}
        return self._add(f"#control/{quote(job.key)}", "ControlAction", name=f"start {job.key}", **about)

    def _run(self, workflow: str, read: list[str]) -> str:
        """All jobs as one action: the run of the workflow."""
        times = self._times.values()
        data = [path for job in self._jobs if job.rule == "prepare" for path in job.outputs.values()]
        made = [path for job in self._jobs for path in job.outputs.values() if path not in data]
        return self._add(
            "#run",
            "CreateAction",
            name="the run of the workflow",
            description="The latest run of each job, which may come from several calls of Snakemake.",
            instrument={"@id": workflow},
            object=_references(dict.fromkeys([*read, *(self._made(path, None) for path in data)])),
            result=_references(dict.fromkeys(self._made(path, None) for path in made)),
            startTime=_instant(min(time["launched"] for time in times)) if times else None,
            endTime=_instant(max(time["ended"] for time in times)) if times else None,
            actionStatus="http://schema.org/CompletedActionStatus",
        )

    def _engine(self, run: str, controls: list[str]) -> str:
        version = versions(["snakemake"])["snakemake"]
        engine = self._application("Snakemake", version, _pypi("snakemake", version))
        return self._add(
            "#engine-run",
            "OrganizeAction",
            name="Snakemake runs the workflow",
            agent={"@id": engine},
            instrument={"@id": engine},
            object=_references(controls),
            result={"@id": run},
        )

    def _made(self, path: Path, maker: Job | None) -> str:
        """A file that a job reads or makes; one outside the results, such as a prepared data set, stays outside."""
        if path.is_relative_to(self._root):
            return self._file(path)
        identity = maker.spec if maker and maker.rule in ("prepare", "download") else None
        known = _content(path) if path.is_file() else {}
        described = json.dumps(identity, ensure_ascii=False) if identity else None
        return self._add(f"#{quote(str(path))}", "CreativeWork", name=str(path), description=described, **known)

    def _file(self, path: Path) -> str:
        relative = path.relative_to(self._root).as_posix()
        id = quote(relative)
        if id not in self._entities:
            kind = _MEDIA.guess_type(path.name)[0] or "application/octet-stream"
            self._add(id, "File", name=relative, encodingFormat=kind, **_content(path))
        return id


def _recipe(job: Job) -> Mapping[str, Any]:
    """What a job wrote of itself beside what it made."""
    path = job.outputs.get("recipe") or job.outputs.get("run")
    found: Mapping[str, Any] = read_json(path) if path and path.is_file() else {}
    return found


def _content(path: Path) -> Entity:
    return {"contentSize": str(path.stat().st_size), "sha256": checksum(path)}


def _pypi(package: str, version: str | None) -> str:
    return (
        f"https://pypi.org/project/{quote(package)}/{quote(version)}/"
        if version
        else f"https://pypi.org/project/{package}/"
    )


def _profile(id: str, name: str, version: str) -> Entity:
    return {"@id": id, "@type": "CreativeWork", "name": name, "version": version}


def _references(ids: Iterable[str]) -> Entity | list[Entity]:
    """Links to entities; RO-Crate has a single one without a list."""
    links = [{"@id": id} for id in ids]
    return links[0] if len(links) == 1 else links


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
