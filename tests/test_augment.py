"""Images as a study asks for them: sizes, normalisation, and augmentation beside torchvision's own functions."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision.transforms.functional as F
import yaml
from PIL import Image
from pydantic import ValidationError
from safetensors import safe_open
from safetensors.torch import load_file
from scipy.stats import chisquare
from torch import Generator, Tensor
from torchvision import transforms

from conftest import ROOT
from hwcore.config import parse
from hwcore.data.augment import Augment
from hwcore.data.augmentations import crop, cutout, flip, rotate
from hwcore.data.augmentations.spec import Crop, Cutout, Flip, Rotate
from hwcore.data.load import Data, load
from hwcore.data.prepare import prepare
from hwcore.data.sources import shapes
from hwcore.data.spec import DatasetData
from hwcore.description import describe
from hwcore.errors import HwcoreError
from hwcore.plan import Plan
from hwcore.train.batches import Batches
from hwcore.train.replicates import Replicates
from hwcore.train.resume import Resume
from hwcore.train.spec import RunSpec
from hwcore.train.train import train

NAMES = {"study": "s", "experiment": "e", "model": "m"}
CIFAR = {"mean": [0.4914, 0.4822, 0.4465], "std": [0.2023, 0.1994, 0.2010]}
ALL = [{"crop": 2}, {"flip": 0.5}, {"rotate": 20}, {"cutout": 3}]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("data")
    made = {name: folder / f"{name}.safetensors" for name in ("shapes", "digits")}
    for name, path in made.items():
        prepare(name, {"source": name}, path)
    return made


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    """20 coloured images of 12 × 17, uint8 of shape (20, 3, 12, 17)."""
    return torch.randint(256, (20, 3, 12, 17), generator=Generator().manual_seed(0), dtype=torch.uint8)


def last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1).contiguous()


def normalized(x: Tensor) -> Tensor:
    return F.normalize(x.float() / 255, **CIFAR)


@pytest.fixture(scope="module")
def black() -> Tensor:
    return normalized(torch.zeros(1, 3, 1, 1)).flatten()


def draws(module: Any, spec: Any, count: int) -> Tensor:
    drawn: Tensor = module.draw(spec, (12, 17), count, Generator().manual_seed(1))
    return drawn


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect"])
def test_a_crop_is_torchvisions_on_raw_pixels(pixels: Tensor, black: Tensor, mode: Any) -> None:
    spec = Crop(kind="crop", padding=4, padding_mode=mode)
    drawn = draws(crop, spec, 20)
    padded = F.pad(pixels, [4], padding_mode=mode)
    raw = [F.crop(image, int(i), int(j), 12, 17) for image, (i, j) in zip(padded, drawn, strict=True)]
    assert torch.equal(crop.apply(spec, last(normalized(pixels)), drawn, black), last(normalized(torch.stack(raw))))
    assert len(drawn.unique(dim=0)) > 10


def test_a_flip_is_torchvisions(pixels: Tensor, black: Tensor) -> None:
    spec = Flip(kind="flip", p=0.5)
    drawn = draws(flip, spec, 20)
    raw = [F.hflip(image) if flipped else image for image, flipped in zip(pixels, drawn, strict=True)]
    assert torch.equal(flip.apply(spec, last(normalized(pixels)), drawn, black), last(normalized(torch.stack(raw))))
    assert 0 < drawn.sum() < 20


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_a_rotation_is_torchvisions(pixels: Tensor, black: Tensor, interpolation: Any) -> None:
    spec = Rotate(kind="rotate", degrees=30, interpolation=interpolation)
    angles = torch.linspace(-30, 30, 20)
    drawn = torch.stack([angles.deg2rad().cos(), angles.deg2rad().sin()], dim=1)
    mode = transforms.InterpolationMode(interpolation)
    raw = torch.stack([F.rotate(x.float(), angle, mode) for x, angle in zip(pixels, angles.tolist(), strict=True)])
    close = (rotate.apply(spec, last(normalized(pixels)), drawn, black) - last(normalized(raw))).abs() < 1e-4
    # a pixel halfway between two may come from either
    assert close.all() if interpolation == "bilinear" else close.float().mean() > 0.995


def test_an_angle_is_drawn_evenly_within_its_bounds() -> None:
    cosine, sine = rotate.draw(Rotate(kind="rotate", degrees=30), (8, 8), 4000, Generator().manual_seed(0)).T
    angles = torch.atan2(sine, cosine).rad2deg()
    assert angles.abs().max() <= 30
    assert chisquare(np.histogram(angles, 10, (-30, 30))[0]).pvalue > 1e-3
    torch.testing.assert_close(cosine.square() + sine.square(), torch.ones(4000))


def test_a_cutout_erases_a_square_in_black(pixels: Tensor, black: Tensor) -> None:
    spec = Cutout(kind="cutout", size=5)
    drawn = draws(cutout, spec, 20)
    raw = []
    for image, (row, column) in zip(pixels, drawn.tolist(), strict=True):
        # torchvision erases what lies inside; a slice from a negative place would begin at the other end
        top, left = max(row - 2, 0), max(column - 2, 0)
        raw.append(F.erase(image, top, left, row + 3 - top, column + 3 - left, torch.zeros(1, dtype=torch.uint8)))
    assert torch.equal(cutout.apply(spec, last(normalized(pixels)), drawn, black), last(normalized(torch.stack(raw))))
    many = cutout.draw(spec, (4, 3), 6000, Generator().manual_seed(0))
    assert chisquare((many[:, 0] * 3 + many[:, 1]).bincount(minlength=12)).pvalue > 1e-3


def data(pixels: Tensor, black: Tensor) -> Data:
    x, y = normalized(pixels), torch.arange(len(pixels))
    return Data(x, y, x[:5], y[:5], 20, black)


def epoch(
    pixels: Tensor, black: Tensor, augment: Any, size: int, replicates: list[int], dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """All inputs (r, N, C, H, W) and targets (r, N) of an epoch."""
    specs = DatasetData(dataset="d", augment=augment).augment
    batches = Batches(normalized(pixels), dtype, size, Augment(specs, data(pixels, black), dtype))
    orders, changes = ([Generator().manual_seed(100 * k + r) for r in replicates] for k in (1, 2))
    y = torch.arange(len(pixels))
    parts = [(x, t.expand(len(replicates), -1)) for x, t in batches.epoch(y, orders, changes)]
    x, t = zip(*parts, strict=True)
    return torch.cat(x, dim=1), torch.cat(t, dim=1)


@pytest.mark.parametrize("size", [6, 20])
def test_augmentations_are_applied_in_their_order(pixels: Tensor, black: Tensor, size: int) -> None:
    """One after the other by hand, whatever is first: the first one may take its images from a frame."""
    for specs in (ALL, ALL[::-1], ALL[1:], [{"crop": {"padding": 3, "padding_mode": "reflect"}}]):
        x, places = epoch(pixels, black, specs, size, [0])
        generator = Generator().manual_seed(200)
        expected = last(normalized(pixels))[places[0]]
        for spec in DatasetData(dataset="d", augment=specs).augment:
            module = {"crop": crop, "flip": flip, "rotate": rotate, "cutout": cutout}[spec.kind]
            expected = module.apply(spec, expected, module.draw(spec, (12, 17), 20, generator), black)
        assert torch.equal(x[0], expected.permute(0, 3, 1, 2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_replicate_sees_the_same_images_whoever_trains_beside_it(
    pixels: Tensor, black: Tensor, dtype: torch.dtype
) -> None:
    together, places = epoch(pixels, black, ALL, 7, [0, 1, 2], dtype)
    alone, place = epoch(pixels, black, ALL, 7, [1], dtype)
    assert torch.equal(together[1], alone[0])
    assert torch.equal(places[1], place[0])
    assert not torch.equal(together[0][places[0].argsort()], together[1][places[1].argsort()])
    assert together.dtype == dtype


def test_a_perceptron_sees_the_same_images_as_rows(pixels: Tensor, black: Tensor) -> None:
    specs = DatasetData(dataset="d", augment=ALL).augment
    images = data(pixels, black)
    rows = images.shaped((3 * 12 * 17,))
    seen = []
    for x in (images.train_x, rows.train_x):
        batches = Batches(x, torch.float32, 7, Augment(specs, images, torch.float32))
        first = next(batches.epoch(images.train_y, [Generator().manual_seed(0)], [Generator().manual_seed(1)]))
        seen.append(first[0])
    assert seen[1].shape == (1, 7, 612)
    assert torch.equal(seen[0].flatten(2), seen[1])


CNN: dict[str, Any] = {
    "input": [1, 8, 8],
    "layers": [{"conv": {"channels": 3, "kernel": 3}}, "relu", {"max_pool": 2}, "flatten", {"linear": 10}],
}


def job(augment: Any, **changes: Any) -> RunSpec:
    training = {"optimizer": "adam", "lr": 0.01, "loss": "cross_entropy", "epochs": 4, "batch_size": 20}
    content = {"dataset": "digits", "train_samples": 100, "test_samples": 50, "augment": augment}
    return RunSpec.model_validate(
        {**NAMES, "network": CNN, "data": content, "training": training, "replicates": 2, **changes}
    )


def weights(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "checkpoint.safetensors")


def test_a_training_that_was_killed_ends_with_the_same_bits(
    tmp_path: Path, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = job(ALL)
    train(spec, files["digits"], tmp_path / "whole", device="cpu")

    save = Resume.save

    def dying(self: Resume, state: dict[str, Any]) -> None:
        save(self, state)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Resume, "save", dying)
        with pytest.raises(KeyboardInterrupt):
            train(spec, files["digits"], tmp_path / "killed", device="cpu", key="k", interval=0)
    assert (tmp_path / "killed/unfinished").is_dir()
    train(spec, files["digits"], tmp_path / "killed", device="cpu", key="k")
    for name, value in weights(tmp_path / "whole").items():
        assert torch.equal(weights(tmp_path / "killed")[name], value), name
    one, other = (
        pd.read_parquet(tmp_path / name / "metrics.parquet").drop(columns="seconds") for name in ("whole", "killed")
    )
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_augmentation_changes_the_training_and_no_other_stream(
    tmp_path: Path, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a flip of probability 0 the bits are those of a training without; more replicates change none."""
    for name, spec in (
        ("plain", job([])),
        ("none", job([{"flip": 0}])),
        ("some", job(ALL)),
        ("one", job(ALL, replicates=1)),
    ):
        train(spec, files["digits"], tmp_path / name, device="cpu")
    plain, none, some, one = (weights(tmp_path / name)["0.weight"] for name in ("plain", "none", "some", "one"))
    assert torch.equal(plain, none)
    assert not torch.equal(plain, some)
    assert torch.equal(some[:1], one)
    seeds = json.loads((tmp_path / "some/run.json").read_text())["seeds"]
    assert len({seed for purpose in seeds.values() for seed in purpose}) == 2 * len(seeds)
    assert seeds == json.loads((tmp_path / "plain/run.json").read_text())["seeds"]
    drawn = Replicates(job(ALL), range(2), 1, torch.device("cpu")).changes
    assert [generator.initial_seed() for generator in drawn] == seeds["augment"]


def test_replicates_that_go_on_keep_their_own_augmentations(tmp_path: Path, files: dict[str, Path]) -> None:
    """A replicate that stops takes none of the others' random numbers away."""
    network = {"mlp": [64, 6, 10]}
    lone = job(ALL, network=network, replicates=3)
    train(lone, files["digits"], tmp_path / "all", device="cpu")
    metrics = pd.read_parquet(tmp_path / "all/metrics.parquet")
    second = metrics[metrics.epoch == 2].set_index("replicate").train_loss
    until = {"until": {"loss": float(second.sort_values().iloc[0]) + 1e-12, "first_epoch": 2}}
    stops = lone.model_copy(update={"training": lone.training.model_validate({**lone.training.model_dump(), **until})})
    train(stops, files["digits"], tmp_path / "stops", device="cpu")
    stopped = json.loads((tmp_path / "stops/run.json").read_text())["stopped"]
    assert sorted(event["epoch"] for event in stopped)[0] == 2
    going = [event["replicate"] for event in stopped if event["epoch"] == 4]
    assert going
    # an ensemble of fewer networks may round otherwise
    torch.testing.assert_close(
        weights(tmp_path / "stops")["1.weight"][going],
        weights(tmp_path / "all")["1.weight"][going],
        rtol=1e-4,
        atol=1e-5,
    )


def test_only_training_batches_are_augmented(tmp_path: Path, files: dict[str, Path]) -> None:
    names = {"study": "s", "experiment": "e", "model": "m", "replicates": 1}
    plain, changed = (load(job(augment).data, files["digits"], **names) for augment in ([], ALL))
    assert torch.equal(plain.train_x, changed.train_x)
    assert torch.equal(plain.test_x, changed.test_x)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"augment": {"flip": 0.5}}, "should be a list"),
        ({"augment": [{"flop": 4}]}, "not an augmentation: each is one of crop, flip, rotate, cutout"),
        ({"augment": [{"crop": 4, "flip": 0.5}]}, "not an augmentation"),
        ({"augment": ["flip"]}, "'flip' is not an augmentation: each is one of .*, e.g. {flip: 0.5}"),
        ({"augment": [{"flip": 2}]}, "less than or equal to 1"),
        ({"augment": [{"crop": 0}]}, "greater than 0"),
        ({"augment": [{"crop": {"pad": 4}}]}, "padding"),
        ({"augment": [{"crop": {"padding": 4, "padding_mode": "mirror"}}]}, "'constant', 'edge' or 'reflect'"),
        ({"augment": [{"rotate": 200}]}, "less than or equal to 180"),
        ({"augment": [{"cutout": 1.5}]}, "integer"),
        ({"normalize": "yes"}, re.escape("'yes' should be true, false or {mean: …, std: …}")),
        ({"normalize": {"mean": 0.5}}, "std"),
        ({"normalize": {"mean": 0.5, "std": 0}}, "greater than 0"),
        ({"normalize": {"mean": [0.1, 0.2], "std": [1, 1, 1]}}, "mean has 2 channels, but std has 3"),
        ({"size": 32}, "tuple"),
        ({"size": [32, 0]}, "greater than 0"),
    ],
)
def test_settings_of_images_that_cannot_be(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        DatasetData.model_validate({"dataset": "d", **settings})


def test_a_reflection_needs_as_many_pixels(tmp_path: Path, files: dict[str, Path]) -> None:
    spec = job([{"crop": {"padding": 8, "padding_mode": "reflect"}}])
    with pytest.raises(HwcoreError, match="crop: padding 8 cannot be reflected in images of 8×8; at most 7"):
        train(spec, files["digits"], tmp_path / "run", device="cpu")


@pytest.mark.parametrize(
    ("name", "normalize"),
    [
        ("digits", {"mean": 0.1307, "std": 0.3081}),
        ("shapes", CIFAR),
        ("shapes", {"mean": 0.5, "std": [0.1, 0.2, 0.3]}),
        ("shapes", False),
        ("shapes", True),
    ],
)
def test_normalisation_is_torchvisions(files: dict[str, Path], name: str, normalize: Any) -> None:
    found = load(DatasetData(dataset=name, normalize=normalize), files[name], **NAMES, replicates=1)
    raw = load_file(files[name])["train_images"][:50]
    with safe_open(files[name], "pt") as file:
        about = json.loads(file.metadata()["about"])
    moments = {True: {"mean": about["mean"], "std": about["std"]}, False: {"mean": 0, "std": 1}}
    stated = normalize if isinstance(normalize, dict) else moments[normalize]
    mean, std = (np.broadcast_to(stated[key], (raw.shape[1],)).tolist() for key in ("mean", "std"))
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    for image, ours in zip(raw, found.train_x, strict=False):
        pil = Image.fromarray(image.permute(1, 2, 0).squeeze(-1).numpy())
        assert torch.equal(transform(pil), ours)
    assert found.black is not None
    assert torch.equal(found.black, F.normalize(torch.zeros(raw.shape[1], 1, 1), mean, std).flatten())


def test_moments_of_other_channels_are_told(files: dict[str, Path]) -> None:
    spec = DatasetData(dataset="digits", normalize=CIFAR)
    with pytest.raises(
        HwcoreError, match=r"data\.normalize\.mean: there are 3 numbers, but images of digits have 1 channel;"
    ):
        load(spec, files["digits"], **NAMES, replicates=1)


def test_a_size_is_that_of_torchvisions_resize(tmp_path: Path) -> None:
    prepare("shapes", {"source": "shapes", "size": [24, 20]}, tmp_path / "small.safetensors")
    found = load_file(tmp_path / "small.safetensors")["train_images"]
    images, _ = shapes.draw(len(found), seed=0)
    assert found.shape[1:] == (3, 24, 20)
    for raw, ours in zip(images[:20], found, strict=False):
        resized = F.resize(Image.fromarray(raw.transpose(1, 2, 0)), [24, 20])
        assert np.array_equal(np.asarray(resized).transpose(2, 0, 1), ours.numpy())


MAJUMDER = {
    # RandomCrop(32, padding=4, padding_mode="reflect"), RandomHorizontalFlip(), ToTensor(), Normalize(…) of CIFAR-10
    "cifar": {
        "dataset": "cifar10",
        "augment": [{"crop": {"padding": 4, "padding_mode": "reflect"}}, {"flip": 0.5}],
        "normalize": CIFAR,
    },
    # MNIST as it is, and resized to 32 × 32
    "native": {"dataset": "mnist"},
    "resized": {"dataset": "mnist", "size": [32, 32], "normalize": {"mean": 0.1307, "std": 0.3081}},
}
NETWORKS = {"cifar": [3072, 10], "native": [784, 10], "resized": [1024, 128, 128, 10]}


def plan(folder: Path, **configuration: Any) -> Plan:
    report = folder / "report"
    (report / "m").mkdir(parents=True)
    (report / "m/report.md").write_text("")
    for name in ("hwcore", "workflow_scripts"):
        (folder / name).symlink_to(ROOT / name)
    for path in (ROOT / "report").iterdir():
        if path.is_file():
            (report / path.name).write_bytes(path.read_bytes())
    training = {"optimizer": "adam", "lr": 0.1, "loss": "cross_entropy", "epochs": 5, "batch_size": 64}
    content = {
        "title": "T",
        "source": {"author": "A", "title": "T", "date": "D"},
        "replicates": 1,
        "experiments": {
            name: {
                **{"section": "1", "title": name, "data": settings, "training": training},
                "models": {"m": {"label": "M", "mlp": NETWORKS[name]}},
            }
            for name, settings in MAJUMDER.items()
        },
    }
    (report / "m/study.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    return Plan(parse({**raw, **configuration}, ["config.yaml"]), tex=False, root=folder)


def test_a_data_set_at_two_sizes_is_two_files_of_one_download(tmp_path: Path) -> None:
    jobs = plan(tmp_path, scale="full")
    assert {job.name for job in jobs.of("download")} == {"cifar10", "mnist"}
    made = {job.name: str(job.outputs["prepared"]) for job in jobs.of("prepare")}
    assert made == {name: f"resources/data/{name}.safetensors" for name in ("cifar10", "mnist", "mnist-32x32")}
    resized = jobs.job("prepare", "mnist-32x32")
    assert resized.spec == {
        "dataset": "mnist",
        "identity": {"source": "torchvision", "size": [32, 32], "class": "MNIST"},
    }
    assert resized.settings == jobs.job("prepare", "mnist").settings == {"root": "resources/data/mnist"}
    run = jobs.job("train", "m/resized/m")
    assert run.inputs["data"] == resized.outputs["prepared"]
    assert "hwcore.data.augmentations.crop" in jobs.job("train", "m/cifar/m").modules
    assert "hwcore.data.augmentations.crop" not in run.modules


def test_stand_ins_have_the_size_that_is_asked_for(tmp_path: Path) -> None:
    jobs = plan(tmp_path, scale="quick")
    sizes = {job.name: job.spec["identity"].get("size") for job in jobs.of("prepare")}
    # config.yaml has digits at the size of MNIST
    assert sizes == {"shapes": None, "digits": [28, 28], "digits-32x32": [32, 32]}


def test_two_data_sets_in_one_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())["datasets"]
    taken = {
        **raw,
        "other": {"source": "shapes"},
        "mnist-32x32": {"source": "imagefolder", "root": str(tmp_path / "mine")},
    }
    MAJUMDER["other"] = {"dataset": "mnist-32x32"}
    NETWORKS["other"] = [3072, 10]
    try:
        with pytest.raises(HwcoreError, match=r"mnist-32x32\.safetensors would hold two data sets"):
            plan(tmp_path / "project", scale="full", datasets=taken)
    finally:
        del MAJUMDER["other"], NETWORKS["other"]


def test_a_page_says_how_images_are_changed(tmp_path: Path) -> None:
    jobs = plan(tmp_path, scale="full")
    study = jobs.studies["m"]
    page = describe(study, jobs.config, {(name, "m"): f"runs/m/{name}/m" for name in MAJUMDER})
    said = {each["id"]: each["settings"]["data"] for each in page["experiments"]}
    assert said == {
        "cifar": "CIFAR-10, normalised by mean (0.4914, 0.4822, 0.4465) and standard deviation (0.2023, 0.1994, 0.201)"
        ", random crop after padding by 4 (reflect), horizontal flip with probability 0.5",
        "native": "MNIST, normalised by the mean and standard deviation of the training images",
        "resized": "MNIST, scaled to 32×32, normalised by mean 0.1307 and standard deviation 0.3081",
    }
