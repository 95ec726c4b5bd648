"""Data: real archives through torchvision's own checksums, and every mistake on the way."""

import bz2
import contextlib
import errno
import gzip
import hashlib
import http.server
import inspect
import io
import json
import os
import pickle
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import scipy.io
import torch
import torchvision.datasets
import yaml
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from scipy.stats import chisquare
from sklearn.datasets import load_digits

from conftest import ROOT
from hwcore.config import parse
from hwcore.data import catalog, functions
from hwcore.data.download import download
from hwcore.data.load import load
from hwcore.data.prepare import prepare
from hwcore.data.sources import shapes
from hwcore.data.sources.specs.torchvision import CLASSES
from hwcore.data.sources.torchvision import splits
from hwcore.data.spec import DatasetData, FunctionData
from hwcore.errors import HwcoreError
from hwcore.fingerprint import Code

NAMES = {"study": "s", "experiment": "e", "model": "m"}


def idx(array: np.ndarray[Any, Any]) -> bytes:
    """The format of MNIST's files."""
    head = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)


@pytest.fixture
def archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small set in MNIST's own files; torchvision is told their checksums."""
    folder = tmp_path / "archives"
    folder.mkdir()
    random = np.random.default_rng(0)
    resources = []
    for part, count in (("train", 30), ("t10k", 10)):
        for kind, array in (
            ("images-idx3", random.integers(0, 256, (count, 28, 28))),
            ("labels-idx1", np.arange(count) % 10),
        ):
            name = f"{part}-{kind}-ubyte.gz"
            content = idx(array)
            (folder / name).write_bytes(content)
            resources.append((name, hashlib.md5(content).hexdigest()))
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", resources)
    return folder


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    handler = lambda *arguments: Quiet(*arguments, directory=str(folder))  # noqa: E731
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def about(path: Path) -> Any:
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["about"])


def mnist(tmp_path: Path, mirror: str) -> catalog.Source:
    return catalog.resolve("mnist", {"source": "torchvision", "root": str(tmp_path / "root"), "mirror": mirror})


def fetch(name: str, source: catalog.Source) -> None:
    download(name, source.identity, source.places)


def write(name: str, source: catalog.Source, output: Path) -> None:
    prepare(name, source.identity, output, source.places)


@pytest.mark.parametrize("over_http", [True, False])
def test_a_torchvision_set_through_a_mirror(tmp_path: Path, archives: Path, over_http: bool) -> None:
    with served(archives) as address:
        source = mnist(tmp_path, address if over_http else str(archives))
        fetch("mnist", source)
    write("mnist", source, tmp_path / "mnist.safetensors")
    found = load_file(tmp_path / "mnist.safetensors")
    assert found["train_images"].shape == (30, 1, 28, 28)
    assert found["train_images"].dtype == torch.uint8
    assert found["test_labels"].tolist() == list(range(10))
    expected = np.random.default_rng(0).integers(0, 256, (30, 28, 28))
    assert (found["train_images"][:, 0].numpy() == expected).all()
    told = about(tmp_path / "mnist.safetensors")
    assert told["mean"] == pytest.approx([expected.mean() / 255])
    assert told["std"] == pytest.approx([expected.std() / 255])
    assert told["identity"] == source.identity
    once = (tmp_path / "mnist.safetensors").read_bytes()
    write("mnist", source, tmp_path / "mnist.safetensors")
    assert (tmp_path / "mnist.safetensors").read_bytes() == once


def test_what_is_there_is_not_fetched_again(tmp_path: Path, archives: Path) -> None:
    source = mnist(tmp_path, str(archives))
    fetch("mnist", source)
    for path in archives.iterdir():
        path.unlink()
    fetch("mnist", source)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), "damaged or incomplete"),
        (lambda path: path.write_bytes(b"something else"), "damaged or incomplete"),
        (lambda path: path.unlink(), "cannot be fetched"),
    ],
)
@pytest.mark.parametrize("over_http", [True, False])
def test_a_damaged_or_missing_archive(tmp_path: Path, archives: Path, over_http: bool, damage: Any, says: str) -> None:
    damage(archives / "train-labels-idx1-ubyte.gz")
    with served(archives) as address:
        source = mnist(tmp_path, address if over_http else str(archives))
        with pytest.raises(HwcoreError, match=says) as error:
            fetch("mnist", source)
    assert "train-labels-idx1-ubyte.gz" in str(error.value)
    assert "datasets.mnist.mirror" in str(error.value)
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "root").iterdir())


def test_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(HwcoreError, match=r"refused\); check the network, or let datasets\.mnist\.mirror"):
        fetch("mnist", mnist(tmp_path, "http://127.0.0.1:9"))


def test_a_host_without_the_file_is_told_with_its_status(tmp_path: Path, archives: Path) -> None:
    with served(archives) as address, pytest.raises(HwcoreError, match="404 File not found"):
        fetch("mnist", mnist(tmp_path, f"{address}/elsewhere"))


def test_without_a_mirror_the_message_tells_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    source = catalog.resolve("cifar10", {"source": "torchvision", "root": str(tmp_path / "root")})
    with pytest.raises(HwcoreError, match=r"check the network, or set datasets\.cifar10\.mirror") as error:
        fetch("cifar10", source)
    assert "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz" in str(error.value)


def test_what_a_killed_download_left_is_removed(tmp_path: Path, archives: Path) -> None:
    left = tmp_path / "root" / ".download-mnist" / "MNIST"
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"half")
    fetch("mnist", mnist(tmp_path, str(archives)))
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["MNIST"]


def test_a_full_disk_is_not_told_as_a_failure_of_the_network(
    tmp_path: Path, archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("hwcore.data.download.shutil.copyfile", full)
    with pytest.raises(OSError, match="No space left") as error:
        fetch("mnist", mnist(tmp_path, str(archives)))
    assert Path(error.value.filename).is_relative_to(tmp_path / "root")
    assert not list((tmp_path / "root").iterdir())


@pytest.mark.parametrize("damage", [b"", b"\0\0\0", b"\0\0\x08\x03\0\0\0\x1e"])
def test_downloaded_files_that_were_damaged_later(tmp_path: Path, archives: Path, damage: bytes) -> None:
    source = mnist(tmp_path, str(archives))
    fetch("mnist", source)
    (tmp_path / "root/MNIST/raw/train-images-idx3-ubyte").write_bytes(damage)
    with pytest.raises(HwcoreError, match=r"gone or damaged .* delete them"):
        write("mnist", source, tmp_path / "mnist.safetensors")
    assert not (tmp_path / "mnist.safetensors").exists()
    fetch("mnist", source)
    write("mnist", source, tmp_path / "mnist.safetensors")


def test_a_root_that_is_a_file(tmp_path: Path, archives: Path) -> None:
    (tmp_path / "root").write_text("a file")
    with pytest.raises(HwcoreError, match=r"datasets\.mnist\.root: .* must be a folder"):
        fetch("mnist", mnist(tmp_path, str(archives)))


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("mnist", {"split": "train"}, r"datasets\.mnist\.options\.split: MNIST has no such option \(it has none\)"),
        ("emnist", {"splt": "letters"}, r"datasets\.emnist\.options\.splt: .* \(it has split\)"),
        ("emnist", {"split": "lettrs"}, r"datasets\.emnist\.options: .*lettrs.*letters"),
        # the same images would train and test
        ("qmnist", {"what": "test50k"}, r"options\.what: QMNIST has no such option"),
    ],
)
def test_an_option_that_a_class_does_not_take(tmp_path: Path, name: str, options: Any, says: str) -> None:
    said = {"source": "torchvision", "root": str(tmp_path / "root"), "options": options, "mirror": str(tmp_path)}
    with pytest.raises(HwcoreError, match=says):
        fetch(name, catalog.resolve(name, said))


def cifar10(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """CIFAR-10's pickles of a row for each image, in the order of channels, rows, columns."""
    pixels = np.random.default_rng(1).integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)
    names = [name for name, _ in (*torchvision.datasets.CIFAR10.train_list, *torchvision.datasets.CIFAR10.test_list)]
    files = {
        f"cifar-10-batches-py/{name}": pickle.dumps({"data": pixels[i : i + 1].reshape(1, -1), "labels": [i]})
        for i, name in enumerate(names)
    }
    files["cifar-10-batches-py/batches.meta"] = pickle.dumps({"label_names": [f"class {i}" for i in range(10)]})
    packed(folder / "cifar-10-python.tar.gz", files)
    sums = [[name.split("/")[1], hashlib.md5(content).hexdigest()] for name, content in files.items()]
    kind = torchvision.datasets.CIFAR10
    monkeypatch.setattr(kind, "tgz_md5", hashlib.md5((folder / "cifar-10-python.tar.gz").read_bytes()).hexdigest())
    monkeypatch.setattr(kind, "train_list", sums[:5])
    monkeypatch.setattr(kind, "test_list", sums[5:6])
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": sums[6][1]})
    return pixels[:5], list(range(5)), pixels[5:], [5]


def svhn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """SVHN's MATLAB files, in which the digit 0 has the label 10."""
    pixels = np.random.default_rng(2).integers(0, 256, (5, 3, 32, 32), dtype=np.uint8)
    known = {}
    for part, chosen, labels in (("train", slice(0, 3), [1, 10, 2]), ("test", slice(3, 5), [10, 9])):
        path = folder / f"{part}_32x32.mat"
        scipy.io.savemat(path, {"X": pixels[chosen].transpose(2, 3, 1, 0), "y": np.array(labels)[:, None]})
        known[part] = [f"http://nowhere/{path.name}", path.name, hashlib.md5(path.read_bytes()).hexdigest()]
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", known)
    return pixels[:3], [1, 0, 2], pixels[3:], [0, 9]


def usps(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """USPS's text files of numbers from -1 to 1, with labels from 1."""
    known, expected = {}, []
    for part, labels in (("train", [1, 2, 10]), ("test", [3, 4])):
        grey = np.random.default_rng(3).integers(0, 256, (len(labels), 256))
        rows = [
            f"{label} " + " ".join(f"{i + 1}:{value / 127.5 - 1:.9f}" for i, value in enumerate(row))
            for label, row in zip(labels, grey, strict=True)
        ]
        path = folder / f"usps-{part}.bz2"
        path.write_bytes(bz2.compress("\n".join(rows).encode()))
        known[part] = [f"https://nowhere/{path.name}", path.name, hashlib.md5(path.read_bytes()).hexdigest()]
        # torchvision cuts off instead of rounding
        expected += [grey.reshape(-1, 1, 16, 16), [label - 1 for label in labels]]
    monkeypatch.setattr(torchvision.datasets.USPS, "split_list", known)
    return expected


@pytest.mark.parametrize("make", [cifar10, svhn, usps])
def test_sets_with_other_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    folder, name = tmp_path / "archives", make.__name__
    folder.mkdir()
    train, train_labels, test, test_labels = make(folder, monkeypatch)
    said = {"source": "torchvision", "root": str(tmp_path / "root"), "mirror": str(folder)}
    source = catalog.resolve(name, said)
    fetch(name, source)
    write(name, source, tmp_path / "out.safetensors")
    found = load_file(tmp_path / "out.safetensors")
    np.testing.assert_allclose(found["train_images"].int(), train, atol=name == "usps")
    np.testing.assert_allclose(found["test_images"].int(), test, atol=name == "usps")
    assert found["train_labels"].tolist() == train_labels
    assert found["test_labels"].tolist() == test_labels


def test_a_set_without_parts_is_divided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "archives"
    folder.mkdir()
    lines = []
    for i in range(50):
        image = np.random.default_rng(i).integers(0, 2, 256)
        lines.append(" ".join(map(str, [*image, *np.eye(10, dtype=int)[i % 10]])) + "\n")
    (folder / "semeion.data").write_text("".join(lines))
    kind = torchvision.datasets.SEMEION
    monkeypatch.setattr(kind, "md5_checksum", hashlib.md5((folder / "semeion.data").read_bytes()).hexdigest())
    said = {"source": "torchvision", "root": str(tmp_path / "root"), "mirror": str(folder)}
    source = catalog.resolve("semeion", said)
    fetch("semeion", source)
    write("semeion", source, tmp_path / "out.safetensors")
    found = load_file(tmp_path / "out.safetensors")
    assert found["train_labels"].bincount().tolist() == [4] * 10
    assert found["test_labels"].bincount().tolist() == [1] * 10
    every = torch.cat([found["train_images"], found["test_images"]])
    assert len(every.flatten(1).unique(dim=0)) == 50


@pytest.mark.parametrize("name", CLASSES)
def test_each_set_of_the_catalogue_asks_for_its_own_archive(tmp_path: Path, name: str) -> None:
    said = {"source": "torchvision", "root": str(tmp_path / "root"), "mirror": str(tmp_path / "empty")}
    with pytest.raises(HwcoreError, match=rf"empty/[\w.-]+ cannot be fetched .* let datasets\.{name}\.mirror"):
        fetch(name, catalog.resolve(name, said))
    assert not [path for path in (tmp_path / "root").rglob("*") if path.is_file()]


@pytest.mark.skipif("HWCORE_MIRROR" not in os.environ, reason="HWCORE_MIRROR names no folder with the real archives")
def test_the_real_mnist(tmp_path: Path) -> None:
    source = mnist(tmp_path, os.environ["HWCORE_MIRROR"])
    fetch("mnist", source)
    write("mnist", source, tmp_path / "mnist.safetensors")
    # the numbers that everybody uses
    assert about(tmp_path / "mnist.safetensors")["mean"] == pytest.approx([0.1307], abs=1e-4)
    assert about(tmp_path / "mnist.safetensors")["std"] == pytest.approx([0.3081], abs=1e-4)
    assert load_file(tmp_path / "mnist.safetensors")["train_labels"].bincount().tolist()[0] == 5923


@pytest.mark.parametrize("name", CLASSES)
def test_each_set_of_the_catalogue_is_a_class_that_takes_our_arguments(name: str) -> None:
    kind = getattr(torchvision.datasets, name)
    assert catalog.resolve(name.lower(), {}).identity["class"] == name
    known = inspect.signature(kind).parameters
    anything = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in known.values())
    assert "download" in known or anything
    parts = splits(kind, {})
    assert [part for part, _ in parts] in (["train", "test"], ["all"])
    for _, arguments in parts:
        assert anything or set(arguments) <= set(known)
    if len(parts) == 1:
        assert not {"train", "split"} & set(known)


def test_names_are_found_however_they_are_written() -> None:
    for name in ("fashion-mnist", "FashionMNIST", "fashion_mnist"):
        assert catalog.resolve(name, {}).identity["class"] == "FashionMNIST"


@pytest.mark.parametrize(
    ("name", "said", "complaint"),
    [
        ("minst", {}, "mnist"),
        ("mine", {"source": "torchvision"}, "data set 'mine' is unknown"),
        ("digits", {"source": "digits", "mirror": "x"}, r"datasets\.digits\.mirror: unknown key.*size"),
        ("mine", {"source": "imagefolder"}, "either `archive`"),
        ("mine", {"source": "imagefolder", "archive": "x.rar"}, "neither .tar.gz"),
        ("mine", {"source": "imagefolder", "archive": "none.zip"}, r"datasets\.mine\.sha256: is missing"),
        ("mine", {"source": "imagefolder", "root": "nowhere"}, "there is no folder"),
    ],
)
def test_a_source_that_cannot_be(name: str, said: dict[str, Any], complaint: str) -> None:
    with pytest.raises(HwcoreError, match=complaint):
        catalog.resolve(name, said)


def test_the_place_of_a_set_does_not_decide_its_content() -> None:
    here = catalog.resolve("mnist", {"source": "torchvision", "root": "here", "mirror": "a"})
    there = catalog.resolve("mnist", {"source": "torchvision", "root": "there"})
    assert here.identity == there.identity
    large = catalog.resolve("mnist", {"source": "torchvision", "size": [32, 32]})
    assert large.identity != here.identity


def test_the_catalogue_loads_neither_torch_nor_torchvision() -> None:
    code = "import sys, hwcore.workflow; sys.exit(bool({'torch', 'torchvision', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def images(count: int = 3, size: int = 4) -> dict[str, bytes]:
    """Files of an image folder: class cat is dark, class dog bright."""
    files = {}
    for part in ("train", "test"):
        for label, grey in (("cat", 10), ("dog", 200)):
            for i in range(count):
                buffer = io.BytesIO()
                Image.new("RGB", (size, size), (grey + i, grey, grey)).save(buffer, "PNG")
                files[f"set/{part}/{label}/{i}.png"] = buffer.getvalue()
    return files


def packed(path: Path, files: dict[str, bytes]) -> str:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(path, "w:gz") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return hashlib.sha256(path.read_bytes()).hexdigest()


# Test images of two classes, with their labels: 10 to 12 of the one and 200 to 202 of the other.
ORDER = [(0, 11), (0, 10), (1, 202), (1, 200), (0, 12), (1, 201)]


def test_the_first_of_your_own_images_are_of_all_classes(tmp_path: Path) -> None:
    """As those of published sets are: analyses take the first samples, and some the last batch."""
    names = [f"{part}/{label}/{i}.png" for part in ("train", "test") for label in "abcd" for i in range(50)]
    content = images()["set/train/cat/0.png"]
    for name in names:
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(content)
    said = {"source": "imagefolder", "root": str(tmp_path / "set")}
    write("mine", catalog.resolve("mine", said), tmp_path / "mine.safetensors")
    labels = load_file(tmp_path / "mine.safetensors")["train_labels"]
    for some in (labels[:40], labels[-40:]):
        assert all(4 <= count <= 18 for count in some.bincount(minlength=4).tolist())


@pytest.mark.parametrize("kind", ["folder", "mine.tar.gz", "mine.zip"])
def test_your_own_images(tmp_path: Path, kind: str) -> None:
    # the order in the archive does not matter
    files = dict(reversed([*images().items(), ("set/README.md", b"no image")]))
    if kind == "folder":
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        # what is no file is no image
        (tmp_path / "set/train/cat/lost.png").symlink_to(tmp_path / "nowhere.png")
        said = {"source": "imagefolder", "root": str(tmp_path / "set")}
    else:
        said = {"source": "imagefolder", "archive": str(tmp_path / kind), "sha256": packed(tmp_path / kind, files)}
    write("mine", catalog.resolve("mine", said), tmp_path / "mine.safetensors")
    found = load_file(tmp_path / "mine.safetensors")
    assert found["train_images"].shape == (6, 3, 4, 4)
    assert sorted(found["train_labels"].tolist()) == [0, 0, 0, 1, 1, 1]
    # always this one, which is not that of the paths
    pairs = zip(found["test_labels"].tolist(), found["test_images"][:, 0, 0, 0].tolist(), strict=True)
    assert list(pairs) == ORDER
    assert about(tmp_path / "mine.safetensors")["classes"] == ["cat", "dog"]


def test_images_of_several_sizes_need_one(tmp_path: Path) -> None:
    files = images() | {"set/train/cat/9.png": images(1, 7)["set/train/cat/0.png"]}
    said = {"source": "imagefolder", "archive": str(tmp_path / "a.zip"), "sha256": packed(tmp_path / "a.zip", files)}
    with pytest.raises(HwcoreError, match=r"datasets\.mine of config\.yaml"):
        write("mine", catalog.resolve("mine", said), tmp_path / "out.safetensors")
    write("mine", catalog.resolve("mine", {**said, "size": [5, 6]}), tmp_path / "out.safetensors")
    assert load_file(tmp_path / "out.safetensors")["train_images"].shape == (7, 3, 5, 6)


def encoded(array: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def test_training_and_test_images_have_one_size(tmp_path: Path) -> None:
    larger = {path.replace("train", "test"): content for path, content in images(size=7).items() if "train" in path}
    files = images() | larger
    said = {"source": "imagefolder", "archive": str(tmp_path / "a.zip"), "sha256": packed(tmp_path / "a.zip", files)}
    with pytest.raises(HwcoreError, match="4×4 and 7×7"):
        write("mine", catalog.resolve("mine", said), tmp_path / "out.safetensors")


@pytest.mark.parametrize("part", ["train", "test"])
def test_grey_images_among_coloured_ones_are_grey_in_colour(tmp_path: Path, part: str) -> None:
    grey = np.arange(16, dtype=np.uint8).reshape(4, 4)
    files = images() | {f"set/{part}/cat/0.png": encoded(grey)}
    said = {"source": "imagefolder", "archive": str(tmp_path / "a.zip"), "sha256": packed(tmp_path / "a.zip", files)}
    write("mine", catalog.resolve("mine", said), tmp_path / "out.safetensors")
    found = load_file(tmp_path / "out.safetensors")[f"{part}_images"]
    assert found.shape == (6, 3, 4, 4)
    assert any((image.numpy() == grey).all() for image in found)


def test_images_of_16_bits_are_refused(tmp_path: Path) -> None:
    files = images() | {"set/train/cat/0.png": encoded(np.full((4, 4), 40000, dtype=np.uint16))}
    said = {"source": "imagefolder", "archive": str(tmp_path / "a.zip"), "sha256": packed(tmp_path / "a.zip", files)}
    with pytest.raises(HwcoreError, match=r"train/cat/0\.png has more than 8 bits"):
        write("mine", catalog.resolve("mine", said), tmp_path / "out.safetensors")


@pytest.mark.parametrize("kind", ["a.tar.gz", "a.zip"])
def test_an_archive_with_a_path_that_leaves_it_is_refused(tmp_path: Path, kind: str) -> None:
    inside = tmp_path / "deep/inside"
    inside.mkdir(parents=True)
    files = images() | {"../../train/cat/evil.png": encoded(np.zeros((4, 4, 3), dtype=np.uint8))}
    said = {"source": "imagefolder", "archive": str(inside / kind), "sha256": packed(inside / kind, files)}
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(HwcoreError, match=r"holds the path '\.\./\.\./train/cat/evil\.png', which leads outside"):
        write("mine", catalog.resolve("mine", said), inside / "out.safetensors")
    assert sorted(tmp_path.rglob("*")) == before


def test_an_archive_that_is_not_there(tmp_path: Path) -> None:
    said = {"source": "imagefolder", "archive": str(tmp_path / "none.zip"), "sha256": "0" * 64}
    # results copied without their data are fresh: only preparing needs the file
    source = catalog.resolve("mine", said)
    with pytest.raises(HwcoreError, match=r"datasets\.mine\.archive: there is no file"):
        write("mine", source, tmp_path / "out.safetensors")


def test_the_files_of_a_folder_decide_its_content(tmp_path: Path) -> None:
    for name, content in images().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    said = {"source": "imagefolder", "root": str(tmp_path / "set")}
    before = catalog.resolve("mine", said).identity
    (tmp_path / "set").rename(tmp_path / "moved")
    moved = {**said, "root": str(tmp_path / "moved")}
    assert catalog.resolve("mine", moved).identity == before
    (tmp_path / "moved/train/cat/0.png").rename(tmp_path / "moved/train/cat/9.png")
    assert catalog.resolve("mine", moved).identity != before


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"\5\0\0\0\0\0\0\0abcde", b"\2\0\0\0\0\0\0\0{}"])
def test_a_prepared_file_that_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "digits.safetensors"
    with pytest.raises(HwcoreError, match=r"digits\.safetensors: is missing; run `snakemake"):
        load(DatasetData(dataset="digits"), path, **NAMES, replicates=1)
    path.write_bytes(content)
    with pytest.raises(HwcoreError, match=r"digits\.safetensors: is damaged; delete it"):
        load(DatasetData(dataset="digits"), path, **NAMES, replicates=1)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda files: files | {"set/train/cat/8.png": b"no image"}, "set/train/cat/8.png is not an image"),
        (lambda files: {k: v for k, v in files.items() if "test/dog" not in k}, "no images in test/dog/"),
        (lambda files: files | {"set/test/cow/0.png": files["set/test/cat/0.png"]}, "has no train/cow/"),
        (lambda files: {}, "no images in train/"),
    ],
)
def test_a_folder_of_images_that_is_not_right(tmp_path: Path, change: Any, complaint: str) -> None:
    archive = tmp_path / "a.tar.gz"
    said = {"source": "imagefolder", "archive": str(archive), "sha256": packed(archive, change(images()))}
    with pytest.raises(HwcoreError, match=complaint):
        write("mine", catalog.resolve("mine", said), tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_an_archive_with_another_checksum_or_cut_off(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    actual = packed(archive, images())
    said = {"source": "imagefolder", "archive": str(archive)}
    with pytest.raises(HwcoreError, match=f"has the sha256 {actual}, not {'0' * 64}"):
        write("mine", catalog.resolve("mine", {**said, "sha256": "0" * 64}), tmp_path / "out")
    archive.write_bytes(archive.read_bytes()[:200])
    cut = hashlib.sha256(archive.read_bytes()).hexdigest()
    with pytest.raises(HwcoreError, match="cannot be read"):
        write("mine", catalog.resolve("mine", {**said, "sha256": cut}), tmp_path / "out")


def test_digits_are_those_of_scikit_learn(tmp_path: Path) -> None:
    prepare("digits", {"source": "digits"}, tmp_path / "digits.safetensors")
    found = load_file(tmp_path / "digits.safetensors")
    assert len(found["train_labels"]) + len(found["test_labels"]) == 1797
    together = torch.cat([found["train_images"], found["test_images"]]).double() * 16 / 255
    expected = torch.from_numpy(load_digits().images)
    # the same images in another order: equal sums of each pixel
    torch.testing.assert_close(together[:, 0].sum(0), expected.sum(0), rtol=1e-2, atol=1)
    shares = found["test_labels"].bincount() / found["train_labels"].bincount()
    assert ((shares > 0.23) & (shares < 0.27)).all()


@pytest.mark.parametrize("kind", [kind for kind, source in catalog.SOURCES.items() if not source.places])
def test_generated_sets_have_as_many_images_as_their_source_says(kind: str, tmp_path: Path) -> None:
    prepare(kind, {"source": kind}, tmp_path / "set.safetensors")
    assert len(load_file(tmp_path / "set.safetensors")["train_labels"]) == catalog.SOURCES[kind].train_samples


def test_shapes_are_equally_many_and_colour_tells_nothing() -> None:
    pixels, labels = shapes.draw(500, seed=3)
    assert pixels.shape == (500, 3, 32, 32)
    assert np.bincount(labels).tolist() == [50] * 10
    again, _ = shapes.draw(500, seed=3)
    assert (pixels == again).all()
    means = pixels.mean(axis=(2, 3))
    between = np.var([means[labels == c].mean(0) for c in range(10)], axis=0).mean()
    assert between < 0.1 * means.var(axis=0).mean()


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("digits") / "digits.safetensors"
    prepare("digits", {"source": "digits"}, path)
    return path


def test_inputs_are_normalised_by_the_training_set(digits: Path) -> None:
    data = load(DatasetData(dataset="digits"), digits, **NAMES, replicates=1)
    assert data.train_x.dtype == torch.float32
    assert data.train_x.mean().item() == pytest.approx(0, abs=1e-5)
    assert data.train_x.std().item() == pytest.approx(1, abs=1e-3)
    plain = load(DatasetData(dataset="digits", normalize=False), digits, **NAMES, replicates=1)
    assert plain.train_x.min() == 0
    assert plain.train_x.max() == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has mapped")
def test_the_prepared_file_is_mapped_into_memory(digits: Path) -> None:
    assert str(digits) not in Path("/proc/self/maps").read_text()
    data = load(DatasetData(dataset="digits"), digits, **NAMES, replicates=1)
    assert str(digits) in Path("/proc/self/maps").read_text()
    assert len(data.train_y) + len(data.test_y) == 1797


def test_a_subset_is_the_same_for_all_models(digits: Path) -> None:
    spec = DatasetData(dataset="digits", train_samples=50, test_samples=20)
    one, other = (load(spec, digits, study="s", experiment="e", model=m, replicates=1) for m in ("a", "b"))
    assert torch.equal(one.train_x, other.train_x)
    assert len(one.test_y) == 20


@pytest.mark.parametrize("fraction", [0.3, 1.0])
def test_random_labels_are_uniform_fixed_and_each_replicates_own(digits: Path, fraction: float) -> None:
    spec = DatasetData(dataset="digits", random_labels=fraction)
    data = load(spec, digits, **NAMES, replicates=3)
    true = load(DatasetData(dataset="digits"), digits, **NAMES, replicates=1).train_y
    assert data.train_y.shape == (3, len(true))
    assert data.test_y.dim() == 1
    # a tenth of the drawn labels are right by chance
    changed = (data.train_y != true).double().mean(1)
    np.testing.assert_allclose(changed, fraction * 0.9, atol=0.03)
    drawn = data.train_y[0][data.train_y[0] != true]
    assert chisquare(drawn.bincount(minlength=10)).pvalue > 1e-3
    assert not torch.equal(data.train_y[0], data.train_y[1])
    fewer = load(spec, digits, **NAMES, replicates=2)
    assert torch.equal(fewer.train_y, data.train_y[:2])


@pytest.mark.parametrize(
    ("formula", "reference"),
    [
        ("cos(x)", np.cos),
        ("arcsinh(x)", lambda x: np.log(x + np.sqrt(x * x + 1))),
        ("sign(sin(5*pi*x))", lambda x: np.sign(np.sin(5 * np.pi * x))),
        ("sin(3*pi*x)", lambda x: 3 * np.sin(np.pi * x) - 4 * np.sin(np.pi * x) ** 3),
        ("exp(x)+exp(-x)", lambda x: 2 * np.cosh(x)),
    ],
)
@pytest.mark.parametrize("sampling", [{}, {"sampling": "uniform"}, {"sampling": "subset", "grid": 150}])
def test_targets_come_from_the_inputs_that_the_model_sees(
    formula: str, reference: Any, sampling: dict[str, Any]
) -> None:
    spec = FunctionData(function=formula, domain=(-2, 2), samples=101, test_samples=33, **sampling)
    for x, y in functions.sample(spec, "s", "e").values():
        np.testing.assert_allclose(y, reference(x), atol=1e-12)
        assert x.min() >= -2
        assert x.max() <= 2


def test_a_subset_is_drawn_from_one_grid_without_repeats() -> None:
    """As in the report of beamreaching1: 2,401 of 8,001 points train, the other 5,600 test."""
    said = {"function": "sin(5*pi*x)/(5*pi*x)", "at": {0: 1}, "domain": [0, 0.8]}
    spec = FunctionData.model_validate(
        {**said, "sampling": "subset", "grid": 8001, "samples": 2401, "test_samples": 5600}
    )
    parts = functions.sample(spec, "s", "e")
    (train, _), (test, _) = parts["train"], parts["test"]
    assert np.array_equal(np.sort(np.concatenate([train, test])[:, 0]), np.linspace(0, 0.8, 8001))
    assert (np.diff(train[:, 0]) > 0).all()
    # about three of ten points in each tenth of the interval
    assert chisquare(np.histogram(train, 10)[0]).pvalue > 1e-3
    assert np.array_equal(train, functions.sample(spec, "s", "e")["train"][0])
    assert not np.array_equal(train, functions.sample(spec, "s", "other")["train"][0])
    fewer = functions.sample(spec.model_copy(update={"samples": 100, "test_samples": 50}), "s", "e")
    assert len(np.intersect1d(fewer["train"][0], fewer["test"][0])) == 0
    assert len(fewer["test"][0]) == 50


def test_another_study_experiment_or_model_sees_other_data(digits: Path) -> None:
    subset = DatasetData(dataset="digits", train_samples=50, random_labels=1.0)
    drawn = FunctionData(function="cos(x)", domain=(-1, 1), sampling="uniform", samples=9, test_samples=9)
    images, points = (load(spec, digits, **NAMES, replicates=2) for spec in (subset, drawn))
    for name in NAMES:
        names = {**NAMES, name: "other"}
        other_images, other_points = (load(spec, digits, **names, replicates=2) for spec in (subset, drawn))
        assert not torch.equal(other_images.train_y, images.train_y)
        # the models of an experiment are compared on the same samples
        assert torch.equal(other_images.train_x, images.train_x) == (name == "model")
        assert torch.equal(other_points.train_x, points.train_x) == (name == "model")


def test_each_source_is_a_module_with_the_same_one_function_and_its_settings_beside_it() -> None:
    files = {path.stem for path in (ROOT / "hwcore/data/sources").glob("[a-z]*.py")} - {"spec"}
    assert files == catalog.SOURCES.keys()
    signatures = {inspect.signature(import_module(f"hwcore.data.sources.{kind}").read) for kind in catalog.SOURCES}
    assert len(signatures) == 1
    for kind, settings in catalog.SOURCES.items():
        assert get_args(settings.model_fields["source"].annotation) == (kind,)
        assert "size" in settings.model_fields
        assert settings.places <= settings.model_fields.keys()


def test_an_unknown_source_is_told_with_the_known_ones() -> None:
    content = {**yaml.safe_load((ROOT / "config.yaml").read_text()), "datasets": {"mine": {"source": "shape"}}}
    with pytest.raises(HwcoreError, match=r"datasets\.mine\.source: unknown source 'shape'; did you mean `shapes`\?"):
        parse(content, ["config.yaml"])


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all code that jobs run.  Tests must leave it as they found it."""
    folder = tmp_path_factory.mktemp("code")
    for name in ("hwcore", "workflow_scripts"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def digests(root: Path) -> dict[str, str]:
    """The code of every kind of job, as it is under ``root``."""
    code = Code(root)
    kinds = [FunctionData, DatasetData]
    by_name = {f"prepare {kind}": [f"hwcore.data.sources.{kind}"] for kind in catalog.SOURCES}
    by_name |= {f"train {kind.__name__}": [kind.loader] for kind in kinds}
    by_name["train augmented"] = DatasetData(dataset="d", augment=[{"flip": 0.5}]).modules()
    by_name |= {f"analyse {kind.__name__}": ["hwcore.analyses.evaluation", kind.loader] for kind in kinds}
    by_name["analyse predictions"] = ["hwcore.analyses.predictions", FunctionData.loader]
    by_name["figure"] = [f"hwcore.figures.{path.stem}" for path in (root / "hwcore/figures").glob("[a-z]*.py")]
    rules = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    scripts = set(re.findall(r"client\.py (\w+)", rules))
    by_name |= {script: [] for script in scripts - {name.partition(" ")[0] for name in by_name}}
    scripts_of = {job: f"workflow_scripts/{job.partition(' ')[0]}.py" for job in by_name}
    return {job: code.digest(scripts_of[job], tuple(names)) for job, names in by_name.items()}


@pytest.mark.parametrize(
    ("file", "old", "new", "stale"),
    [
        ("sources/specs/torchvision.py", '"USPS",', '"USPS",\n    "Another",', set()),
        ("catalog.py", "_GENERATED = [", "_MORE = 1\n_GENERATED = [", set()),
        ("notation.py", '"sign": "sgn"', '"sign": "sign"', set()),
        ("download.py", 'PARTS = ".partial"', 'PARTS = ".parts"', {"download"}),
        # checksums decide what is downloaded
        ("fetch.py", "_TIMEOUT = 60", "_TIMEOUT = 90", set()),
        ("sources/torchvision.py", '"val"', '"train"', {"download", "prepare torchvision"}),
        ("sources/digits.py", "255 / 16", "255 / 17", {"prepare digits"}),
        ("sources/shapes.py", "uniform(0, 255,", "uniform(0, 200,", {"prepare shapes"}),
        ("sources/imagefolder.py", '".pgm"', '".pgm", ".jp2"', {"prepare imagefolder"}),
        ("prepare.py", "minlength=256", "minlength=257", {f"prepare {kind}" for kind in catalog.SOURCES}),
        (
            "formula.py",
            '"cos": math.cos,',
            '"cos": math.cos,\n    "cot": math.tan,',
            {"train FunctionData", "analyse FunctionData", "analyse predictions"},
        ),
        ("images.py", "min=1e-6", "min=1e-5", {"train DatasetData", "train augmented", "analyse DatasetData"}),
        ("augmentations/flip.py", "< spec.p", "<= spec.p", {"train augmented"}),
        ("augmentations/cutout.py", "// 2", "// 3", set()),
    ],
)
def test_a_change_makes_only_the_jobs_stale_whose_data_it_changes(
    code: Path, file: str, old: str, new: str, stale: set[str]
) -> None:
    path = code / "hwcore/data" / file
    text, before = path.read_text(), digests(code)
    assert old in text
    try:
        path.write_text(text.replace(old, new, 1))
        after = digests(code)
    finally:
        path.write_text(text)
    assert {job for job in before if before[job] != after[job]} == stale
