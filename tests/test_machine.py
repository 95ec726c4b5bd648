"""The GPUs of a machine, as the driver lists them."""

from pathlib import Path

import pytest

from hwcore.machine import machine


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a GPU, whose programs are in this folder."""
    monkeypatch.setattr("hwcore.machine._GPUS", tmp_path / "gpus")
    monkeypatch.setattr("hwcore.machine._WINDOWS_GPU", tmp_path / "dxg")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def nvidia_smi(folder: Path, text: str) -> None:
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "nvidia-smi").chmod(0o755)


def test_linux_lists_its_gpus_in_files(folder: Path) -> None:
    assert machine()["accelerators"] == []
    for bus, text in (("0000:1a:00.0", "Model: \t\t NVIDIA H200\nIRQ: 7\n"), ("0000:1b:00.0", "IRQ: 8\n")):
        (folder / "gpus" / bus).mkdir(parents=True)
        (folder / "gpus" / bus / "information").write_text(text)
    nvidia_smi(folder, "echo another")
    assert machine()["accelerators"] == ["NVIDIA H200", "unknown"]


def test_within_windows_the_driver_is_asked(folder: Path) -> None:
    (folder / "dxg").touch()
    assert machine()["accelerators"] == []
    nvidia_smi(folder, "echo NVIDIA GeForce RTX 4060 Laptop GPU")
    assert machine()["accelerators"] == ["NVIDIA GeForce RTX 4060 Laptop GPU"]
    nvidia_smi(folder, "echo 'Failed to initialize NVML'; exit 1")
    assert machine()["accelerators"] == []
