"""Jobs on a throw-away Slurm cluster of one node (tests/slurm_cluster.sh), which all tests here share."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from conftest import ROOT, Project, make_project
from hwcore.train.memory import GPU
from hwcore.workflow import Workflow

COMMAND = "snakemake --workflow-profile profiles/slurm report"
# A look every two seconds when a job has just ended: quicker, and all that differs from the profiles.
QUICK = "--slurm-init-seconds-before-status-checks=2"


def _missing() -> str | None:
    """Why there can be no cluster here."""
    programs = ("munged", "slurmctld", "slurmd", "sbatch", "ip", "unshare", "nsenter")
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


class Slurm:
    """A cluster in which commands run until it is closed; ``environment`` describes its node."""

    def __init__(self, **environment: str) -> None:
        self._script = subprocess.Popen(
            # it ends when its input does
            [ROOT / "tests/slurm_cluster.sh", "sh", "-c", "echo started; exec cat"],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._script.stdout
        assert self._script.stdout.readline() == "started\n", "the cluster does not start"
        children = Path(f"/proc/{self._script.pid}/task/{self._script.pid}/children").read_text().split()
        self._enter = ["nsenter", "--target", children[0], "--mount", "--pid", "--net", "--"]

    def close(self) -> None:
        self._script.communicate(timeout=30)

    def start(self, project: Project, *arguments: str, profile: str = "slurm") -> "subprocess.Popen[str]":
        """README's command for some targets, with another profile perhaps; its output is in one pipe."""
        program = str(Path(sys.executable).parent / "snakemake")
        words = [program, "--workflow-profile", f"profiles/{profile}", *arguments]
        # nsenter stays outside: the folder is one of the mounts inside
        inside = ["sh", "-c", f'cd "{project.folder}" && exec "$@"', "sh", *words]
        return subprocess.Popen([*self._enter, *inside], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def snakemake(
        self, project: Project, *arguments: str, profile: str = "slurm", seconds: int = 900
    ) -> subprocess.CompletedProcess[str]:
        with self.start(project, *arguments, profile=profile) as call:
            try:
                output, _ = call.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                call.kill()
                raise
        return subprocess.CompletedProcess(call.args, call.returncode, output)

    def run(self, *command: str) -> str:
        return subprocess.run([*self._enter, *command], capture_output=True, text=True, check=True).stdout

    def daemon(self, name: str) -> str:
        """The process of slurmd or slurmctld."""
        file = re.search(
            rf"^{name}PidFile *= (.*)", self.run("scontrol", "show", "config"), re.MULTILINE | re.IGNORECASE
        )
        assert file
        return self.run("cat", file[1]).strip()

    def jobs(self, project: Project) -> list[dict[str, str]]:
        """What Slurm says of all jobs that were submitted from a folder, in their order."""
        lines = self.run("scontrol", "show", "jobs", "--oneliner").splitlines()
        jobs = [dict(re.findall(r"([\w/:]+)=(\S*)", line)) for line in lines if "JobId=" in line]
        return [job for job in jobs if job["WorkDir"] == str(project.folder)]


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    """One of more places than cores, and with GPUs."""
    reason = _missing()
    if reason and os.environ.get("REQUIRE_SLURM"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    cluster = Slurm(SLURM_CLUSTER_CPUS="8", SLURM_CLUSTER_GPUS="8")
    yield cluster
    cluster.close()


def note_starts(project: Project) -> None:
    """Have each job say, in the file `started`, who it is and whether it can be forked, is on a node and has a GPU."""
    project.edit(
        "hwcore/launch/client.py",
        "    server = None if place is None else _server(place)\n",
        "    server = None if place is None else _server(place)\n"
        '    seen = ("HWCORE_SERVER", "SLURM_JOB_ID", "CUDA_VISIBLE_DEVICES")\n'
        '    with open("started", "a") as file:\n'
        "        print(rule, arguments[1], *(name in os.environ for name in seen), file=file)\n",
    )


def starts(project: Project) -> dict[str, list[tuple[str, ...]]]:
    """What each job noted, by rule and name, once for each start."""
    noted = defaultdict(list)
    for line in (project.folder / "started").read_text().splitlines():
        rule, name, *seen = line.split()
        noted[f"{rule}:{name}"].append(tuple(seen))
    return noted


def submitted(slurm: Slurm, project: Project) -> dict[str, dict[str, str]]:
    """What was asked of Slurm for each job, by its rule and what of its name the plugin tells."""
    asked = {}
    for job in slurm.jobs(project):
        rule, _, name = job["Comment"].removeprefix("rule_").partition("_wildcards_")
        name = name.removeprefix("quick_")
        key = "TresPerJob" if "TresPerJob" in job else "TresPerNode"
        asked[f"{rule}:{name}"] = {
            "cpus": job["CPUs/Task"],
            "memory": job["MinMemoryNode"],
            "time": job["TimeLimit"],
            "partition": job["Partition"],
            **({key: job[key]} if key in job else {}),
        }
    return asked


@pytest.fixture(scope="module")
def runs(slurm: Slurm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Project, str]]:
    """What is left of a run with each profile, and what it printed; both wait at the same time."""
    targets = {"slurm": "report", "slurm-gres": "results/quick/runs/tiny/fit/narrow/run.json"}
    calls, done = {}, {}
    for profile, target in targets.items():
        project = make_project(tmp_path_factory.mktemp(profile) / "project")
        note_starts(project)
        study = project.folder / "report/tiny/study.yaml"
        text = study.read_text()
        study.write_text(text[: text.index("    variants:")] + text[text.index("  classify:") :])
        # a site that refuses `--gpus`
        partition = ["--default-resources", "slurm_partition=gres"] if profile == "slurm-gres" else []
        calls[profile] = project, slurm.start(project, target, QUICK, *partition, profile=profile)
    for profile, (project, call) in calls.items():
        with call:
            output, _ = call.communicate(timeout=900)
        assert call.returncode == 0, output
        done[profile] = project, output
    return done


@pytest.mark.parametrize("profile", ["slurm", "slurm-gres"])
def test_tables_made_on_a_cluster_are_those_of_a_local_run(
    runs: dict[str, tuple[Project, str]], finished: Project, profile: str
) -> None:
    project, _ = runs[profile]
    made = sorted(path.relative_to(project.folder) for path in project.folder.glob("results/**/*.parquet"))
    assert len(made) == {"slurm": 9, "slurm-gres": 2}[profile]
    for path in made:
        here, there = project.folder / path, finished.folder / path
        if path.name == "metrics.parquet":
            assert pq.read_table(here).drop(["seconds"]).equals(pq.read_table(there).drop(["seconds"])), path
        # what the variants of an experiment gave is part of each claim's row
        elif "claims" not in str(path):
            assert here.read_bytes() == there.read_bytes(), path


@pytest.mark.parametrize("profile", ["slurm", "slurm-gres"])
def test_each_script_ran_once_and_only_what_computes_on_a_node(
    runs: dict[str, tuple[Project, str]], profile: str
) -> None:
    project, _ = runs[profile]
    noted = starts(project)
    assert {len(times) for times in noted.values()} == {1}
    for job, [seen] in noted.items():
        rule = job.partition(":")[0]
        # a job on a node starts directly; those that compute have a GPU
        on_node = rule in ("prepare", "train", "analyse")
        assert seen == (str(not on_node), str(on_node), str(rule in ("train", "analyse"))), job


@pytest.mark.parametrize("profile", ["slurm", "slurm-gres"])
def test_what_is_submitted_is_what_the_rules_say(
    slurm: Slurm, runs: dict[str, tuple[Project, str]], profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = runs[profile]
    monkeypatch.chdir(project.folder)
    plan = Workflow(yaml.safe_load((project.folder / "config.yaml").read_text()), ["config.yaml"], [])
    gpu = {"TresPerNode" if profile == "slurm-gres" else "TresPerJob": "gres:gpu:1"}
    partition = "gres" if profile == "slurm-gres" else "debug"
    asked = submitted(slurm, project)
    assert len(asked) == {"slurm": 6, "slurm-gres": 1}[profile]
    for job, request in asked.items():
        rule, name = job.split(":")
        if rule == "prepare":
            memory, minutes = 4000, 60
        else:
            key = "analyse" if rule == "analyse" else "train", name.replace("_", "/")
            memory, minutes = plan.memory(*key) + GPU, plan.minutes(*key)
        assert request == {
            "cpus": "1",
            "memory": f"{memory}M",
            "time": f"{minutes // 60:02}:{minutes % 60:02}:00",
            "partition": partition,
            **({} if rule == "prepare" else gpu),
        }


def test_a_whole_call_in_one_job_forks_its_jobs(slurm: Slurm, project: Project) -> None:
    """As docs/clusters.md has it for many small trainings: one submission, and each training is still its own job."""
    note_starts(project)
    targets = [f"results/quick/runs/tiny/fit/{model}/run.json" for model in ("narrow", "wide")]
    call = f"{Path(sys.executable).parent}/snakemake --cores 2 {' '.join(targets)}"
    submit = 'cd "$1" && sbatch --wait --output=one.log --cpus-per-task=2 --mem=4G --time=60 --wrap="$2"'
    slurm.run("sh", "-c", submit, "sh", str(project.folder), call)
    assert [job["JobState"] for job in slurm.jobs(project)] == ["COMPLETED"]
    noted = starts(project)
    assert {*noted} == {"train:tiny/fit/narrow", "train:tiny/fit/wide"}
    assert {seen[:2] for times in noted.values() for seen in times} == {("True", "True")}
    assert "Nothing to be done" in project.run(*targets)


def test_the_command_is_that_of_the_readme() -> None:
    assert COMMAND in (ROOT / "README.md").read_text()


def test_what_no_node_can_meet_is_refused_before_anything_is_submitted(slurm: Slurm, project: Project) -> None:
    resources = ("--set-threads", "train=9", "--set-resources", "train:gpu=9", "analyse:mem_mb=9000000")
    done = slurm.snakemake(project, "report", *resources, seconds=60)
    assert done.returncode == 1
    # threads are what the node has; jobs that it can do are not named
    assert "\ntrain: no node of the default partition has 8 CPUs, " in done.stdout
    assert " and 9 GPUs for 10 minutes; the largest has 8 CPUs, " in done.stdout
    assert "--set-resources train:gpu=8)" in done.stdout
    assert "\nerror: analyse: no node of the default partition has 1 CPU, 9000000 MB " in done.stdout
    assert "submitted" not in done.stdout
    assert not (project.folder / "results/quick/runs").exists()


def test_gpus_are_not_asked_of_a_cluster_without(slurm: Slurm, project: Project) -> None:
    assert slurm
    cluster = Slurm(SLURM_CLUSTER_GPUS="0")
    try:
        done = cluster.snakemake(project, "results/quick/runs/tiny/fit/narrow/run.json", QUICK)
    finally:
        cluster.close()
    assert done.returncode == 0, done.stdout
    assert "No node of the cluster has a GPU: jobs run on CPUs." in done.stdout
    assert (project.folder / "results/quick/runs/tiny/fit/narrow/run.json").is_file()


# Each training is held after its first checkpoint until the file `go-on` is there, so that whatever befalls it does so
# on the way; one takes more memory than it has, once.
HELD = """
        held = resume and resume.path.exists()
        if held and "hungry" in str(resume.path) and not Path("fed").exists():
            Path("fed").touch()
            memory = [bytearray(2**28) for _ in range(24)]
        while held and not (Path("go-on").exists() or Path(f"{resume.path.parts[-3]} goes on").exists()):
            time.sleep(0.1)
"""
STUDY = """\
title: Faults
source: {author: nobody, title: no report, date: January 2000}
replicates: 1
experiments:
  fit:
    section: "1"
    title: Fit cos x
    data: {function: cos(x), domain: [-3, 3], sampling: uniform, samples: 40, test_samples: 20}
    training: {optimizer: adam, lr: 0.01, loss: mse, epochs: 40, batch_size: full}
    models:
"""
MODELS = ("cancelled", "late", "hungry", "crashed", "unwatched")
RUNS = [f"results/quick/runs/tiny/fit/{model}/run.json" for model in MODELS]
# All processes of a job, on its node.
KILL_JOB = r"""
own=$(grep -lz "^SLURM_JOB_ID=$1\$" /proc/[0-9]*/environ 2> /dev/null | cut -d/ -f3)
kill -9 $own $(pgrep -f "^slurmstepd: .$1[.]")
"""


def make_faulty(folder: Path, models: Sequence[str] = MODELS) -> Project:
    """A study of trainings that save a checkpoint after each epoch, as good as."""
    project = make_project(folder)
    said = "".join(f"      {name}: {{label: {name}, mlp: [1, 3, 1]}}\n" for name in models)
    (project.folder / "report/tiny/study.yaml").write_text(STUDY + said)
    (project.folder / "report/tiny/report.md").write_text('Prose.\n\n{{ experiment("fit") }}\n')
    project.edit("config.yaml", "checkpoint_interval: 30", "checkpoint_interval: 0.001")
    return project


def hold_trainings(project: Project) -> None:
    save = "            resume.save(ensemble.state())\n"
    project.edit("hwcore/train/train.py", save, save + HELD)


@dataclass
class Trainings:
    """The jobs of a call on the cluster, one for each model, as Slurm has them."""

    slurm: Slurm
    project: Project

    def of(self, model: str) -> list[dict[str, str]]:
        return [job for job in self.slurm.jobs(self.project) if job["Comment"].endswith(f"_fit_{model}")]

    def wait(self, model: str, state: str, after: str = "") -> str:
        """The last job of a model when it has come to a state and is not ``after``, a running one with a checkpoint.

        A job that Slurm itself starts again is another one, though its number stays.
        """
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            jobs = self.of(model)
            if jobs and jobs[-1]["JobState"] == state and identity(jobs[-1]) != after:
                log = self.project.folder / f"results/quick/logs/train/tiny/fit/{model}.log"
                saved = self.project.folder / f"results/quick/runs/tiny/fit/{model}/unfinished/0.safetensors"
                if state != "RUNNING" or (saved.exists() and "40 epochs" in log.read_text()):
                    return identity(jobs[-1])
            time.sleep(0.2)
        raise AssertionError(f"{model} is not {state}: {self.of(model)}")


def identity(job: dict[str, str]) -> str:
    return f"{job['JobId']} {job['Restarts']}"


@dataclass
class Faulty:
    """What came of calls in which all that can happen on a cluster happened."""

    project: Project
    printed: list[str]
    jobs: dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def faulty(slurm: Slurm, tmp_path_factory: pytest.TempPathFactory) -> Faulty:
    project = make_faulty(tmp_path_factory.mktemp("faulty") / "project")
    hold_trainings(project)
    note_starts(project)
    trainings = Trainings(slurm, project)
    with slurm.start(project, *RUNS, QUICK) as call:
        first = {model: trainings.wait(model, "RUNNING") for model in MODELS if model != "hungry"}
        number = {model: job.split()[0] for model, job in first.items()}
        slurm.run("kill", "-9", slurm.daemon("Slurmd"))
        slurm.run("sh", "-c", KILL_JOB, "sh", number["crashed"])
        slurm.run("slurmd")
        slurm.run("scancel", number["cancelled"])
        slurm.run("scontrol", "update", f"JobId={number['late']}", "TimeLimit=0")
        for model in MODELS[:-1]:
            trainings.wait(model, "RUNNING", after=first.get(model, identity(trainings.of(model)[0])))
        slurm.run("kill", slurm.daemon("Slurmctld"))
        # long enough for a look that nobody answers
        time.sleep(15)
        slurm.run("slurmctld")
        # nsenter has no other child
        os.kill(int(Path(f"/proc/{call.pid}/task/{call.pid}/children").read_text()), signal.SIGKILL)
        killed, _ = call.communicate(timeout=60)
    left = {model: identity(trainings.of(model)[-1]) for model in MODELS[:-1]}
    (project.folder / "unwatched goes on").touch()
    trainings.wait("unwatched", "COMPLETED")
    with slurm.start(project, *RUNS, QUICK) as call:
        for model, job in left.items():
            trainings.wait(model, "RUNNING", after=job)
        (project.folder / "go-on").touch()
        output, _ = call.communicate(timeout=900)
        assert call.returncode == 0, output
    last = slurm.snakemake(project, *RUNS, QUICK)
    return Faulty(project, [killed, output, last.stdout], {model: trainings.of(model) for model in MODELS})


def states(jobs: list[dict[str, str]]) -> list[str]:
    return [job["JobState"] for job in jobs]


@pytest.mark.faults
@pytest.mark.parametrize(("model", "state"), [("cancelled", "CANCELLED"), ("late", "TIMEOUT"), ("hungry", "FAILED")])
def test_a_job_that_is_cancelled_or_takes_too_much_is_submitted_once_more(
    faulty: Faulty, model: str, state: str
) -> None:
    # and a third time by the next call
    assert states(faulty.jobs[model]) == [state, "CANCELLED", "COMPLETED"]


@pytest.mark.faults
def test_a_job_whose_node_fails_starts_again(faulty: Faulty) -> None:
    """By Slurm, under the same number, or as one that has failed."""
    seen = faulty.jobs["crashed"]
    assert states(seen) in (["FAILED", "CANCELLED", "COMPLETED"], ["CANCELLED", "COMPLETED"])
    assert len(seen) + int(seen[0]["Restarts"]) == 3


@pytest.mark.faults
def test_the_next_attempt_asks_for_more_memory_and_time(faulty: Faulty) -> None:
    first, second, third = faulty.jobs["hungry"]
    assert int(second["MinMemoryNode"].rstrip("M")) == 2 * int(first["MinMemoryNode"].rstrip("M"))
    assert first["TimeLimit"] == "00:10:00"
    assert second["TimeLimit"] == "00:20:00"
    # of another call
    assert third["MinMemoryNode"] == first["MinMemoryNode"]


@pytest.mark.faults
def test_the_jobs_of_a_killed_call_are_not_left_to_write_the_same_files(faulty: Faulty) -> None:
    assert "A call that was killed left 4 jobs on the cluster" in faulty.printed[1]


@pytest.mark.faults
def test_what_had_finished_is_not_trained_again_even_if_nobody_saw_it(faulty: Faulty) -> None:
    assert states(faulty.jobs["unwatched"]) == ["COMPLETED"]
    assert "Nothing to be done" in faulty.printed[2]
    counts = {job: len(noted) for job, noted in starts(faulty.project).items()}
    assert counts.pop("train:tiny/fit/unwatched") == 1
    # a job may be cancelled before its script begins
    assert {*counts} == {f"train:tiny/fit/{model}" for model in MODELS[:-1]}
    assert {*counts.values()} <= {2, 3}


@pytest.mark.faults
def test_trainings_go_on_from_their_checkpoints_and_end_as_undisturbed_ones(faulty: Faulty, tmp_path: Path) -> None:
    undisturbed = make_faulty(tmp_path / "undisturbed")
    undisturbed.run(*RUNS)
    for model in MODELS:
        here, there = (each.folder / f"results/quick/runs/tiny/fit/{model}" for each in (faulty.project, undisturbed))
        assert (here / "checkpoint.safetensors").read_bytes() == (there / "checkpoint.safetensors").read_bytes()
        metrics = [pq.read_table(folder / "metrics.parquet").drop(["seconds"]) for folder in (here, there)]
        assert metrics[0].equals(metrics[1])
        log = (faulty.project.folder / f"results/quick/logs/train/tiny/fit/{model}.log").read_text()
        assert ("go on after epoch" in log) == (model != "unwatched")


@pytest.mark.faults
def test_a_controller_that_lost_its_jobs_is_not_waited_for(slurm: Slurm, tmp_path: Path) -> None:
    """This comes last: other tests ask it about theirs."""
    project = make_faulty(tmp_path / "project", ["forgotten"])
    hold_trainings(project)
    trainings = Trainings(slurm, project)
    with slurm.start(project, RUNS[0].replace("cancelled", "forgotten"), QUICK, "--latency-wait", "1") as call:
        trainings.wait("forgotten", "RUNNING")
        # a look has seen it
        time.sleep(15)
        slurm.run("kill", "-9", slurm.daemon("Slurmctld"))
        slurm.run("slurmctld", "-c")
        trainings.wait("forgotten", "RUNNING")
        (project.folder / "go-on").touch()
        output, _ = call.communicate(timeout=900)
    assert call.returncode == 0, output
