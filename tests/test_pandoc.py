"""What pandoc made of a page is kept, and is made anew whenever it could be another."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from hwcore.errors import HwcoreError
from hwcore.reporting.pandoc import pandoc

run = subprocess.run


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of our own, whose filters may be changed: its folder report."""
    shutil.copytree(ROOT / "report", tmp_path / "report", ignore=shutil.ignore_patterns("*.js"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "report"


class Convert:
    """Converts a page of a folder, and counts how often pandoc ran for that."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = 0

    def __call__(self, text: str = "# A *page*", *options: str, kept: str = "page.html") -> str:
        return pandoc(text, "--to=html5", *options, folder=self.folder, kept=kept)

    def run(self, *arguments: Any, **options: Any) -> Any:
        self.calls += 1
        return run(*arguments, **options)


@pytest.fixture
def convert(report: Path, monkeypatch: pytest.MonkeyPatch) -> Convert:
    folder = report.parent / "pages"
    folder.mkdir()
    convert = Convert(folder)
    monkeypatch.setattr(subprocess, "run", convert.run)
    return convert


def test_the_same_page_is_converted_once(convert: Convert) -> None:
    first = convert()
    assert "<em>page</em>" in first
    assert convert() == first
    assert convert.calls == 1


@pytest.mark.parametrize(
    "changed", [["# Another *page*"], ["# A *page*", "--toc"], ["# A *page*", "--variable=lang:de"]]
)
def test_another_text_or_option_is_another_page(convert: Convert, changed: list[str]) -> None:
    first = convert()
    second = convert(*changed)
    assert convert.calls == 2
    assert second == convert(*changed, kept="")
    assert convert() == first


@pytest.mark.parametrize("name", ["page.lua", "text.lua", "safe.lua", "references.bib"])
def test_a_changed_filter_converts_again(convert: Convert, report: Path, name: str) -> None:
    convert()
    with (report / name).open("a") as file:
        file.write("\n")
    convert()
    assert convert.calls == 2


def test_a_changed_style_does_not(convert: Convert, report: Path) -> None:
    convert()
    with (report / "style.css").open("a") as file:
        file.write("\n")
    convert()
    assert convert.calls == 1


@pytest.mark.parametrize(
    "damage",
    [lambda kept: kept.replace(b"<em>", b"<b>"), lambda kept: kept[:-20], lambda kept: b"", lambda kept: b"\xff" * 80],
    ids=["edited", "cut", "empty", "no text"],
)
def test_what_was_damaged_is_made_anew(convert: Convert, report: Path, damage: Callable[[bytes], bytes]) -> None:
    first = convert()
    file = report.parent / "pages/.pandoc/page.html"
    file.write_bytes(damage(file.read_bytes()))
    assert convert() == first
    assert convert.calls == 2
    assert convert() == first
    assert convert.calls == 2


def test_nothing_is_kept_of_a_page_that_cannot_be(convert: Convert, report: Path) -> None:
    with pytest.raises(HwcoreError, match="picture"):
        convert("![](/etc/hostname)")
    assert not list((report.parent / "pages").iterdir())
