"""Which GPUs jobs use, as far as that shows without one."""

import os
from pathlib import Path

import pytest
import torch

from conftest import Project
from hwcore.errors import HwcoreError
from hwcore.gpus import check_visible
from hwcore.train.device import computing_on


@pytest.mark.parametrize(
    "value", [None, "", "-1", "NoDevFiles", "0", "1,0", " 0 , 1 ", "GPU-8932f937-d72c", "MIG-1/2/0"]
)
def test_what_cuda_understands_is_accepted(value: str | None) -> None:
    check_visible(value, 2)


@pytest.mark.parametrize(
    ("value", "count", "message"),
    [
        ("all", 2, "CUDA_VISIBLE_DEVICES=all: 'all' names no GPU; unset it, or give numbers such as `0,1`"),
        ("0 1", 2, "CUDA_VISIBLE_DEVICES=0 1: '0 1' names no GPU; "),
        ("0,", 2, "CUDA_VISIBLE_DEVICES=0,: '' names no GPU; "),
        ("0,2", 2, "CUDA_VISIBLE_DEVICES=0,2: there is no GPU 2, those here are 0 to 1; "),
        ("0", 0, "CUDA_VISIBLE_DEVICES=0: there is no GPU 0, this machine has none; "),
        ("1,1", 2, "CUDA_VISIBLE_DEVICES=1,1: names a GPU twice"),
    ],
)
def test_what_it_would_silently_take_for_none_is_refused(value: str, count: int, message: str) -> None:
    with pytest.raises(HwcoreError) as error:
        check_visible(value, count)
    assert str(error.value).startswith(message)


def test_a_call_is_refused_before_anything_is_made(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "gpu0")
    done = project.snakemake("report")
    assert done.returncode == 1
    assert "error: CUDA_VISIBLE_DEVICES=gpu0: 'gpu0' names no GPU" in done.stderr
    assert not (project.folder / "results").exists()


def test_cuda_without_a_gpu_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(HwcoreError, match="device: cuda, but torch finds no GPU here; use `auto` or `cpu`"):
        computing_on("cuda").__enter__()
    with computing_on("auto") as where:
        assert where.type == "cpu"


def test_jobs_on_one_machine_share_its_gpus_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda on: None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with computing_on("auto") as first, computing_on("cuda") as second, computing_on("auto") as third:
        assert [str(first), str(second)] == ["cuda:0", "cuda:1"]
        # all are held: it shares one
        assert third.index == os.getpid() % 2
    with computing_on("auto") as again:
        assert again.index == 0
    with computing_on("cpu") as where:
        assert where.type == "cpu"
