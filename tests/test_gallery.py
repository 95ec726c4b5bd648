"""The gallery: a page of the documentation from finished results, and from no others."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from conftest import Project
from hwcore.claims.ledger import frame
from hwcore.errors import HwcoreError
from hwcore.files import read_json, write_json, write_table
from hwcore.reporting.gallery import gallery


def make(project: Project, *settings: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "gallery", "CORES=1", *settings]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)


def judged(results: Path, figure: str) -> None:
    """Results of a scale whose one claim is judged, about ``figure``."""
    claims = pd.read_parquet(results / "claims.parquet")
    row = {**claims.iloc[0].to_dict(), "verdict": "right", "reason": "It has 10.5 | 10. And more.", "figure": figure}
    write_table(results / "claims.parquet", frame([row]))


def test_a_quick_gallery_says_that_nothing_is_judged(finished: Project, tmp_path: Path) -> None:
    project = finished.clone(tmp_path / "project")
    project.add_make()
    (project.folder / "docs/gallery").mkdir(parents=True)
    (project.folder / "docs/gallery/old.svg").touch()
    done = make(project)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (project.folder / "docs/gallery.md").read_text()
    assert "No claim is judged." in page
    assert "| **not judged** | The narrow network has 10 parameters. | 10 |" in page
    # no claim names a figure, so that the first is shown, and the earlier gallery is gone
    assert [path.name for path in (project.folder / "docs/gallery").iterdir()] == ["tiny-fit-loss.svg"]
    assert "](gallery/tiny-fit-loss.svg)" in page

    project.edit("report/tiny/study.yaml", "lr: 0.01", "lr: 0.02")
    done = make(project)
    assert done.returncode != 0
    assert "error: results/quick are stale or missing" in done.stderr
    done = make(project, "SCALE=standard")
    assert done.returncode != 0
    assert "error: results/standard are stale or missing" in done.stderr


def test_the_figures_are_those_that_claims_are_about(finished: Project, tmp_path: Path) -> None:
    results = finished.clone(tmp_path / "project").folder / "results/quick"
    judged(results, "figures/tiny/classify/accuracy")
    gallery(results, tmp_path / "gallery.md")
    page = (tmp_path / "gallery.md").read_text()
    assert "](gallery/tiny-classify-accuracy.svg)\n\nAccuracy." in page
    copied, drawn = tmp_path / "gallery/tiny-classify-accuracy.svg", results / "figures/tiny/classify/accuracy.svg"
    assert copied.read_bytes() == drawn.read_bytes()
    # the first sentence of the reason, in which a bar ends no cell
    assert "| **right** |" in page
    assert "| It has 10.5 \\| 10. |" in page
    assert "And more" not in page


def test_results_that_are_missing_or_of_another_study_are_refused(finished: Project, tmp_path: Path) -> None:
    results = finished.clone(tmp_path / "project").folder / "results/quick"
    plan = results / "plan/summary.json"
    jobs = read_json(plan)
    jobs["index:index"]["spec"]["studies"][0]["claims"]["new"] = "fit"
    write_json(plan, jobs)
    with pytest.raises(HwcoreError, match="are not those of the studies; run `make report SCALE=quick` first"):
        gallery(results, tmp_path / "gallery.md")
    del jobs["index:index"]["spec"]["studies"][0]["claims"]["new"]
    write_json(plan, jobs)
    (results / "figures/tiny/fit/loss.svg").unlink()
    with pytest.raises(HwcoreError, match=r"figures/tiny/fit/loss\.svg: is missing; run"):
        gallery(results, tmp_path / "gallery.md")
    assert not (tmp_path / "gallery.md").exists()
