"""How long a dry run of a large study takes, and how much memory, beside one of the same graph by Snakemake alone."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("Snakefile", "config.yaml", "rules", "workflow_scripts", "hwcore", "profiles", "envs")
# Models of one experiment.
_MODELS = 100


def study(trainings: int) -> dict[str, Any]:
    """Experiments of 100 models, each with an analysis and a figure over all of them."""
    experiment = {
        "section": "1",
        "title": "Fit cos x",
        "data": {"function": "cos(x)", "domain": [-3, 3], "sampling": "uniform", "samples": 40, "test_samples": 20},
        "training": {"optimizer": "adam", "lr": 0.01, "loss": "mse", "epochs": 6, "batch_size": "full"},
        "models": {
            "m{width}": {
                "matrix": {"width": [*range(1, _MODELS + 1)]},
                "label": "{width} wide",
                "mlp": [1, "{width}", 1],
            }
        },
        "analyses": {"evaluation": {}},
        "figures": {"loss": {"kind": "curves", "y": ["train_loss"], "log": True, "caption": "Training loss."}},
    }
    return {
        "title": f"{trainings} trainings",
        "source": {"author": "nobody", "title": "no report", "date": "January 2000"},
        "replicates": 2,
        "experiments": {f"e{number}": experiment for number in range(trainings // _MODELS)},
    }


def project(folder: Path, trainings: int) -> None:
    """A project with one study of so many trainings and nothing else."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    report = folder / "report"
    report.mkdir()
    for path in (ROOT / "report").iterdir():
        if path.is_file():
            shutil.copy(path, report)
    (report / "large").mkdir()

    class Plain(yaml.SafeDumper):
        """Without anchors, as people write."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    said = study(trainings)
    (report / "large/study.yaml").write_text(yaml.dump(said, Dumper=Plain, sort_keys=False))
    shown = "\n\n".join(f'{{{{ experiment("{id}") }}}}' for id in said["experiments"])
    (report / "large/report.md").write_text(f"Prose.\n\n{shown}\n")


# The same graph, of rules that have nothing to do with hwcore: what Snakemake itself takes.
_BARE = """
E, M = range({experiments}), range({models})

rule all:
    input: expand("figures/{{e}}.svg", e=E)

rule train:
    output: expand("runs/{{{{e}}}}/{{{{m}}}}/{{file}}", file=["checkpoint", "metrics", "run"])
    shell: "touch {{output}}"

rule analyse:
    input: lambda w: expand("runs/{{e}}/{{m}}/{{file}}", e=w.e, m=M, file=["checkpoint", "run"])
    output: "tables/{{e}}.parquet"
    shell: "touch {{output}}"

rule figure:
    input: "tables/{{e}}.parquet", lambda w: expand("runs/{{e}}/{{m}}/metrics", e=w.e, m=M)
    output: "figures/{{e}}.svg"
    shell: "touch {{output}}"
"""

# A process of its own: what it runs counts at least the memory of the process that starts it.
_MEASURE = """
import json, resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 2**10]))
"""


def _dry_run(trainings: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        project(Path(folder), trainings)
        rows = [_measured(f"dry-run-{trainings}-{name}", trainings, folder) for name in ("first", "again")]
    with tempfile.TemporaryDirectory() as folder:
        bare = _BARE.format(experiments=trainings // _MODELS, models=_MODELS)
        (Path(folder) / "Snakefile").write_text(bare)
        rows.append(_measured(f"dry-run-{trainings}-bare", trainings, folder))
    return rows


def _measured(name: str, trainings: int, folder: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "all"]
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *command],
        cwd=folder,
        check=True,
        env={**os.environ, "PYTHONPATH": ""},
        stdout=subprocess.PIPE,
    )
    seconds, memory = json.loads(done.stdout)
    return {
        "name": name,
        "trainings": trainings,
        "processor seconds": round(seconds, 2),
        "memory in MB": round(memory),
    }


WORKS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    f"dry-run-{trainings}": lambda trainings=trainings: _dry_run(trainings)  # type: ignore[misc]
    for trainings in (2_000, 10_000)
}
