"""What a cluster has, and what is asked of it."""

import math
from pathlib import Path

import pytest

from hwcore.cluster import Cluster, Node, Request
from hwcore.errors import HwcoreError

# sinfo's answer of a cluster with a small default partition, one with GPUs and one node in both
ANSWER = """\
cpu*|4|8000|(null)|infinite
cpu*|16|16000|(null)|infinite
gpu|16|16000|gpu:a100:2(S:0-1),gpu:2080ti:1,shard:8|2-12:00:00
"""


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
