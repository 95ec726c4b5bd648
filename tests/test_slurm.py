"""Jobs on a Slurm cluster of one node that lives as long as a command does."""

import importlib.util
import math
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from conftest import ROOT, Project
from hwcore.cluster import Cluster, Node, Request
from hwcore.errors import HwcoreError

COMMAND = "snakemake --workflow-profile profiles/slurm report"
# sinfo's answer of a cluster with a small default partition, one with GPUs and one node in both
ANSWER = """\
cpu*|4|8000|(null)|infinite
cpu*|16|16000|(null)|infinite
gpu|16|16000|gpu:a100:2(S:0-1),gpu:2080ti:1,shard:8|2-12:00:00
"""


def _missing() -> str | None:
    """Why there can be no cluster here."""
    programs = ("munged", "slurmctld", "slurmd", "sbatch", "ip", "unshare")
    # daemons lie where only root looks
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    absent = [program for program in programs if not shutil.which(program, path=path)]
    if absent:
        return f"{', '.join(absent)} not found (on Debian: slurm-wlm munge iproute2)"
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return "the Slurm plugin is not installed (make slurm)"
    if os.geteuid() != 0:
        return "only root can start a cluster"
    if subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", "true"], check=False).returncode:
        return "no namespaces: this machine does not let processes have their own mounts and network"
    return None


@pytest.fixture(scope="module")
def _cluster() -> None:
    reason = _missing()
    if reason and os.environ.get("REQUIRE_SLURM"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


def _on_cluster(
    project: Project, target: str, *arguments: str, seconds: int, **environment: str
) -> subprocess.CompletedProcess[str]:
    """README's command for a target on a new cluster; ``environment`` describes its node."""
    program, *words = COMMAND.removesuffix("report").split()
    words.append(target)
    return subprocess.run(
        [ROOT / "tests/slurm_cluster.sh", Path(sys.executable).parent / program, *words, *arguments],
        cwd=project.folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.mark.usefixtures("_cluster")
def test_a_study_on_a_cluster_gives_the_tables_of_a_local_run(project: Project, finished: Project) -> None:
    # jobs on nodes are not forked from the servers of the call that submitted them; local ones are
    project.edit(
        "hwcore/launch/client.py",
        "    server = _server(rule)\n",
        "    server = _server(rule)\n"
        '    with open("started", "a") as file:\n'
        '        print(rule, "HWCORE_SERVER" in os.environ, "SLURM_JOB_ID" in os.environ, file=file)\n',
    )
    # more places than cores, and a look every two seconds when a job has just ended: quicker, and all that differs
    done = _on_cluster(
        project, "report", "--slurm-init-seconds-before-status-checks=2", seconds=400, SLURM_CLUSTER_CPUS="4"
    )
    assert done.returncode == 0, done.stdout
    assert COMMAND in (ROOT / "README.md").read_text()

    starts = defaultdict(list)
    for line in (project.folder / "started").read_text().splitlines():
        rule, *seen = line.split()
        starts[rule].append(tuple(seen))
    submitted = [start for rule in ("prepare", "train", "analyse") for start in starts.pop(rule)]
    assert len(submitted) > 4
    assert set(submitted) == {("False", "True")}
    assert {start for local in starts.values() for start in local} == {("True", "False")}

    tables = sorted(path.relative_to(finished.folder) for path in finished.folder.glob("results/**/*.parquet"))
    assert tables == sorted(path.relative_to(project.folder) for path in project.folder.glob("results/**/*.parquet"))
    for table in tables:
        here, there = finished.folder / table, project.folder / table
        if table.name == "metrics.parquet":
            assert pq.read_table(here).drop(["seconds"]).equals(pq.read_table(there).drop(["seconds"])), table
        else:
            assert here.read_bytes() == there.read_bytes(), table


@pytest.mark.usefixtures("_cluster")
def test_what_no_node_can_meet_is_refused_before_anything_is_submitted(project: Project) -> None:
    resources = ("--set-threads", "train=9", "--set-resources", "train:gpu=3", "analyse:mem_mb=9000000")
    done = _on_cluster(project, "report", *resources, seconds=60, SLURM_CLUSTER_CPUS="2")
    assert done.returncode == 1
    # threads are what the node has; jobs that it can do are not named
    assert "\ntrain: no node of the default partition has 2 CPUs, " in done.stdout
    assert " and 3 GPUs for 240 minutes; the largest has 2 CPUs, " in done.stdout
    assert "--set-resources train:gpu=2)" in done.stdout
    assert "\nerror: analyse: no node of the default partition has 1 CPU, 9000000 MB " in done.stdout
    assert "submitted" not in done.stdout
    assert not (project.folder / "results/quick/runs").exists()


@pytest.mark.usefixtures("_cluster")
def test_gpus_are_not_asked_of_a_cluster_without(project: Project) -> None:
    done = _on_cluster(
        project,
        "results/quick/runs/tiny/fit/narrow/run.json",
        "--slurm-init-seconds-before-status-checks=2",
        seconds=200,
        SLURM_CLUSTER_GPUS="0",
    )
    assert done.returncode == 0, done.stdout
    assert "No node of the cluster has a GPU: jobs run on CPUs." in done.stdout
    assert (project.folder / "results/quick/runs/tiny/fit/narrow/run.json").is_file()


def test_the_largest_node_of_the_partitions_limits_threads() -> None:
    cluster = Cluster.parse("small*|2|4000|(null)|30:00\nbig|64|900000|gpu:4|n/a\nbig|32|900000|gpu:4|n/a\n")
    assert cluster.cpus([None]) == 2
    assert cluster.cpus(["small", "big"]) == 64
    assert cluster.cpus(["small,big"]) == 64
    # told elsewhere
    assert cluster.cpus(["nope"]) == 64


def test_the_answer_of_sinfo() -> None:
    assert Cluster.parse(ANSWER).nodes == (
        Node("cpu", True, 4, 8000, 0),
        Node("cpu", True, 16, 16000, 0),
        Node("gpu", False, 16, 16000, 3, 3600),
    )
    assert Cluster.parse(ANSWER).gpus
    assert not Cluster.parse("cpu*|4|8000|(null)|infinite\n").gpus


@pytest.mark.parametrize(
    ("threads", "resources", "request_"),
    [
        (2, {"mem_mb": 3000, "gpu": 1}, Request(2, 3000, 1)),
        (2, {"mem_mb": 3000, "cpus_per_task": 4}, Request(4, 3000, 0)),
        (2, {"gpu": 2, "cpus_per_gpu": 3, "mem_mb_per_cpu": 100}, Request(6, 600, 2)),
        (1, {"gpu": 0, "gres": "gpu:a100:2", "mem_mb": "<TBD>"}, Request(1, 0, 2)),
        (1, {"gres": "gpu"}, Request(1, 0, 1)),
        (1, {"runtime": 240}, Request(1, 0, 0, 240)),
        (1, {"runtime": 240, "qos": "long"}, Request(1, 0, 0)),
    ],
)
def test_a_request_is_what_the_plugin_submits(threads: int, resources: dict[str, object], request_: Request) -> None:
    assert Request.of(threads, resources) == request_


def test_a_refusal_names_rules_what_is_there_and_the_remedy() -> None:
    jobs = [("train", 2, {"mem_mb": 3000, "gpu": 1}), ("analyse", 1, {"mem_mb": 4000, "gpu": 1}), ("prepare", 1, {})]
    with pytest.raises(HwcoreError) as error:
        Cluster.parse(ANSWER).check(jobs)
    assert str(error.value) == (
        "analyse and train: no node of the default partition has 2 CPUs, 4000 MB of memory and 1 GPU; "
        "the largest has 16 CPUs, 16000 MB of memory and no GPU.\n"
        "Ask for less (--set-resources analyse:gpu=0 train:gpu=0) or set slurm_partition in the profile (gpu can)."
    )
    Cluster.parse(ANSWER).check((rule, threads, {**asked, "slurm_partition": "gpu"}) for rule, threads, asked in jobs)


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [("30:00", 30), ("4:00:00", 240), ("1-12:00:00", 2160), ("infinite", math.inf), ("n/a", math.inf)],
)
def test_a_job_longer_than_its_partition_allows_is_refused(limit: str, minutes: float) -> None:
    """By Slurm's defaults it would be accepted, and wait for ever."""
    cluster = Cluster.parse(f"debug*|4|8000|(null)|{limit}\n")
    assert cluster.nodes[0].minutes == minutes
    cluster.check([("train", 1, {"runtime": int(min(minutes, 10**6))})])
    if minutes < math.inf:
        with pytest.raises(
            HwcoreError, match=rf"and no GPU for {minutes} minutes.\n.*--set-resources train:runtime={minutes}\)"
        ):
            cluster.check([("train", 1, {"runtime": int(minutes) + 1})])


def test_an_unknown_partition_is_refused() -> None:
    with pytest.raises(HwcoreError, match="train: the cluster has no partition gpus, only cpu and gpu"):
        Cluster.parse(ANSWER).check([("train", 1, {"slurm_partition": "gpus"})])


def test_a_machine_without_slurm_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HwcoreError, match="Slurm does not answer"):
        Cluster.ask()
