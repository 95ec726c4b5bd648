"""Data: real archives through torchvision's own checksums, and every mistake on the way."""

import contextlib
import gzip
import hashlib
import http.server
import inspect
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.datasets
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from scipy.stats import chisquare
from sklearn.datasets import load_digits

from conftest import ROOT
from hwcore.data import catalog, functions, shapes
from hwcore.data.download import download, splits
from hwcore.data.load import load
from hwcore.data.prepare import prepare
from hwcore.data.spec import DatasetData, FunctionData
from hwcore.errors import HwcoreError

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
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def mnist(tmp_path: Path, mirror: str) -> dict[str, Any]:
    return catalog.resolve("mnist", {"source": "torchvision", "root": str(tmp_path / "root"), "mirror": mirror})


@pytest.mark.parametrize("over_http", [True, False])
def test_a_torchvision_set_through_a_mirror(tmp_path: Path, archives: Path, over_http: bool) -> None:
    with served(archives) as address:
        source = mnist(tmp_path, address if over_http else str(archives))
        download("mnist", source)
    prepare("mnist", source, tmp_path / "mnist.safetensors")
    found = load_file(tmp_path / "mnist.safetensors")
    assert found["train_images"].shape == (30, 1, 28, 28)
    assert found["train_images"].dtype == torch.uint8
    assert found["test_labels"].tolist() == list(range(10))
    expected = np.random.default_rng(0).integers(0, 256, (30, 28, 28))
    assert (found["train_images"][:, 0].numpy() == expected).all()
    with safe_open(tmp_path / "mnist.safetensors", "pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["mean"]) == pytest.approx([expected.mean() / 255])
    assert json.loads(metadata["std"]) == pytest.approx([expected.std() / 255])


def test_what_is_there_is_not_fetched_again(tmp_path: Path, archives: Path) -> None:
    source = mnist(tmp_path, str(archives))
    download("mnist", source)
    for path in archives.iterdir():
        path.unlink()
    download("mnist", source)


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
            download("mnist", source)
    assert "train-labels-idx1-ubyte.gz" in str(error.value)
    assert "datasets.mnist.mirror" in str(error.value)
    assert not [path for path in (tmp_path / "root").rglob("*") if path.is_file()]


def test_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(HwcoreError, match="refused"):
        download("mnist", mnist(tmp_path, "http://127.0.0.1:9"))


@pytest.mark.skipif("HWCORE_MIRROR" not in os.environ, reason="HWCORE_MIRROR names no folder with the real archives")
def test_the_real_mnist(tmp_path: Path) -> None:
    source = mnist(tmp_path, os.environ["HWCORE_MIRROR"])
    download("mnist", source)
    prepare("mnist", source, tmp_path / "mnist.safetensors")
    with safe_open(tmp_path / "mnist.safetensors", "pt") as file:
        # the numbers that everybody uses
        assert json.loads(file.metadata()["mean"]) == pytest.approx([0.1307], abs=1e-4)
        assert json.loads(file.metadata()["std"]) == pytest.approx([0.3081], abs=1e-4)
        assert file.get_tensor("train_labels").bincount().tolist()[0] == 5923


@pytest.mark.parametrize("name", catalog.TORCHVISION)
def test_each_set_of_the_catalogue_is_a_class_that_takes_our_arguments(name: str) -> None:
    kind = getattr(torchvision.datasets, name)
    assert catalog.resolve(name.lower(), {})["class"] == name
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
        assert catalog.resolve(name, {})["class"] == "FashionMNIST"


@pytest.mark.parametrize(
    ("name", "said", "complaint"),
    [
        ("minst", {}, "mnist"),
        ("mine", {"source": "torchvision"}, "data set 'mine' is unknown"),
        ("digits", {"source": "digits", "mirror": "x"}, "digits has no such setting"),
        ("mine", {"source": "imagefolder"}, "either `archive`"),
        ("mine", {"source": "imagefolder", "archive": "x.rar"}, "neither .tar.gz"),
        ("mine", {"source": "imagefolder", "archive": "none.zip", "sha256": "0"}, "there is no file"),
        ("mine", {"source": "imagefolder", "root": "nowhere"}, "there is no folder"),
    ],
)
def test_a_source_that_cannot_be(name: str, said: dict[str, Any], complaint: str) -> None:
    with pytest.raises(HwcoreError, match=complaint):
        catalog.resolve(name, said)


def test_the_place_of_a_set_does_not_decide_its_content() -> None:
    here = catalog.resolve("mnist", {"source": "torchvision", "root": "here", "mirror": "a"})
    there = catalog.resolve("mnist", {"source": "torchvision", "root": "there"})
    assert catalog.identity("mnist", here) == catalog.identity("mnist", there)
    large = catalog.resolve("mnist", {"source": "torchvision", "size": [32, 32]})
    assert catalog.identity("mnist", large) != catalog.identity("mnist", here)


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


@pytest.mark.parametrize("kind", ["folder", "mine.tar.gz", "mine.zip"])
def test_your_own_images(tmp_path: Path, kind: str) -> None:
    # the order in the archive does not matter
    files = dict(reversed([*images().items(), ("set/README.md", b"no image")]))
    if kind == "folder":
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        said = {"source": "imagefolder", "root": str(tmp_path / "set")}
    else:
        said = {"source": "imagefolder", "archive": str(tmp_path / kind), "sha256": packed(tmp_path / kind, files)}
    prepare("mine", catalog.resolve("mine", said), tmp_path / "mine.safetensors")
    found = load_file(tmp_path / "mine.safetensors")
    assert found["train_images"].shape == (6, 3, 4, 4)
    assert found["train_labels"].tolist() == [0, 0, 0, 1, 1, 1]
    assert found["test_images"][:, 0, 0, 0].tolist() == [10, 11, 12, 200, 201, 202]
    with safe_open(tmp_path / "mine.safetensors", "pt") as file:
        assert json.loads(file.metadata()["classes"]) == ["cat", "dog"]


def test_images_of_several_sizes_need_one(tmp_path: Path) -> None:
    files = images() | {"set/train/cat/9.png": images(1, 7)["set/train/cat/0.png"]}
    said = {"source": "imagefolder", "archive": str(tmp_path / "a.zip"), "sha256": packed(tmp_path / "a.zip", files)}
    with pytest.raises(HwcoreError, match=r"datasets\.mine\.size"):
        prepare("mine", said, tmp_path / "out.safetensors")
    prepare("mine", {**said, "size": [5, 6]}, tmp_path / "out.safetensors")
    assert load_file(tmp_path / "out.safetensors")["train_images"].shape == (7, 3, 5, 6)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda files: files | {"set/train/cat/8.png": b"no image"}, "set/train/cat/8.png is no image"),
        (lambda files: {k: v for k, v in files.items() if "test/dog" not in k}, "no images in test/dog/"),
        (lambda files: files | {"set/test/cow/0.png": files["set/test/cat/0.png"]}, "has no train/cow/"),
        (lambda files: {}, "no images in train/"),
    ],
)
def test_a_folder_of_images_that_is_not_right(tmp_path: Path, change: Any, complaint: str) -> None:
    archive = tmp_path / "a.tar.gz"
    said = {"source": "imagefolder", "archive": str(archive), "sha256": packed(archive, change(images()))}
    with pytest.raises(HwcoreError, match=complaint):
        prepare("mine", said, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_an_archive_with_another_checksum_or_cut_off(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    actual = packed(archive, images())
    with pytest.raises(HwcoreError, match=f"has the sha256 {actual}, not {'0' * 64}"):
        prepare("mine", {"source": "imagefolder", "archive": str(archive), "sha256": "0" * 64}, tmp_path / "out")
    archive.write_bytes(archive.read_bytes()[:200])
    cut = hashlib.sha256(archive.read_bytes()).hexdigest()
    with pytest.raises(HwcoreError, match="cannot be read"):
        prepare("mine", {"source": "imagefolder", "archive": str(archive), "sha256": cut}, tmp_path / "out")


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


@pytest.mark.parametrize("name", functions.FUNCTIONS)
@pytest.mark.parametrize("sampling", ["grid", "uniform"])
def test_targets_come_from_the_inputs_that_the_model_sees(name: str, sampling: str) -> None:
    spec = FunctionData(function=name, domain=(-2, 2), sampling=sampling, samples=101, test_samples=33)
    reference = {
        "cos": np.cos,
        "arcsinh": lambda x: np.log(x + np.sqrt(x * x + 1)),
        "sinc5": lambda x: np.where(x == 0, 1, np.sin(5 * np.pi * x) / np.where(x == 0, 1, 5 * np.pi * x)),
        "sign_sin5pi": lambda x: np.sign(np.sin(5 * np.pi * x)),
        "sin5pi": lambda x: np.sin(5 * np.pi * x),
        "sin_plus_cos": lambda x: np.sin(x) + np.cos(x),
        "two_cosh": lambda x: np.exp(x) + np.exp(-x),
    }[name]
    for x, y in functions.sample(spec, "s", "e").values():
        np.testing.assert_allclose(y, reference(x), atol=1e-12)
        assert x.min() >= -2
        assert x.max() <= 2
    assert set(functions.FUNCTIONS) == set(FunctionData.model_fields["function"].annotation.__args__)
