"""What a cluster has, and what is asked of it."""

import math
from pathlib import Path

import pytest

from hwcore.cluster import Cluster, Node, Request, begin, cancel_left, end, try_out
from hwcore.errors import HwcoreError

# sinfo's answer of a cluster with a small default partition, one with GPUs and one node in both
ANSWER = """\
cpu*|4|8000|(null)|infinite
cpu*|16|16000|(null)|infinite
gpu|16|16000|gpu:a100:2(S:0-1),gpu:2080ti:1,shard:8|2-12:00:00
"""
# and what it says where munged does not run
NO_MUNGE = """\
sinfo: error: If munged is up, restart with --num-threads=10
sinfo: error: Munge encode failed: Failed to access "/munge": No such file or directory (Did you start munged?)
sinfo: error: slurm_send_node_msg: auth_g_create: REQUEST_PARTITION_INFO has authentication error
slurm_load_partitions: Protocol authentication error"""


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


@pytest.fixture
def sbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the command `sbatch` does, as a script of the shell; what it is asked goes to the file `asked`."""
    (tmp_path / "sbatch").write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\n. {tmp_path}/answer\n')
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "answer"


@pytest.mark.parametrize(
    ("resources", "answer", "message"),
    [
        (
            {"slurm_account": "nobody"},
            "allocation failure: Invalid account or account/partition combination specified",
            "train: Slurm refuses such jobs (Invalid account or account/partition combination specified), "
            "asked for with --account=nobody.\n"
            "Set slurm_partition, slurm_account and what else the site wants in the profile.",
        ),
        (
            {"slurm_partition": "gpu", "gpu": 1},
            "sbatch: error: take --gres\nallocation failure: Unspecified error",
            "train: Slurm refuses such jobs (take --gres; Unspecified error), "
            "asked for with --partition=gpu --gpus=1.\n"
            "Set slurm_partition, slurm_account and what else the site wants in the profile. "
            "Where it is --gpus that is refused, use profiles/slurm-gres.",
        ),
        (
            {"gpu": 0},
            "allocation failure: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
            "train: Slurm refuses such jobs (Job violates accounting/QOS policy (job submit limit, user's size and/or "
            "time limits)).\nSet slurm_partition, slurm_account and what else the site wants in the profile.",
        ),
    ],
)
def test_what_slurm_would_refuse_is_told_in_its_own_words(
    sbatch: Path, resources: dict[str, object], answer: str, message: str
) -> None:
    sbatch.write_text(f'cat >&2 << "END"\n{answer}\nEND\nexit 1\n')
    with pytest.raises(HwcoreError) as error:
        try_out([("train", resources)])
    assert str(error.value) == message


def test_each_kind_of_job_is_tried_out_once_and_a_cluster_in_use_refuses_nothing(sbatch: Path) -> None:
    sbatch.write_text(
        'echo "allocation failure: Required node not available (down, drained or reserved)" >&2\nexit 1\n'
    )
    gpu = {"gpu": 1, "slurm_partition": "long"}
    try_out([("train", gpu), ("analyse", gpu), ("train", gpu), ("prepare", {"slurm_partition": "long"})])
    asked = (sbatch.parent / "asked").read_text().splitlines()
    assert asked == [
        "--test-only --partition=long --gpus=1 --wrap=true",
        "--test-only --partition=long --wrap=true",
    ]


def test_jobs_of_a_killed_call_are_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # squeue says what is in the file `left`, and scancel empties it
    (tmp_path / "left").write_text("7\n8\n")
    for name, text in (("squeue", 'echo "$*" > names; cat left'), ("scancel", 'echo "$*" > cancelled; : > left')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert cancel_left() == 0
    assert not (tmp_path / "names").exists()
    for call in ("dead", "ended", "killed"):
        begin(call)
    end("ended")
    assert cancel_left() == 2
    assert (tmp_path / "cancelled").read_text() == "7 8\n"
    assert "--name=dead,killed" in (tmp_path / "names").read_text()
    # once is enough
    assert cancel_left() == 0


def test_jobs_of_a_killed_call_are_not_forgotten_where_slurm_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    begin("dead")
    for _ in range(2):
        with pytest.raises(HwcoreError, match="Slurm does not answer"):
            cancel_left()


def test_a_cluster_without_munge_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sinfo").write_text(f"#!/bin/sh\ncat >&2 << END\n{NO_MUNGE}\nEND\nexit 1\n")
    (tmp_path / "sinfo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(HwcoreError) as error:
        Cluster.ask()
    assert str(error.value).startswith(
        'Slurm does not answer (Munge encode failed: Failed to access "/munge": No such file or directory '
        "(Did you start munged?))."
    )
