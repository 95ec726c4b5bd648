"""The gallery: pages of the documentation from finished results, and from no others."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from conftest import Project
from hwcore.claims.ledger import frame
from hwcore.errors import HwcoreError
from hwcore.files import read_json, write_json, write_table
from hwcore.reporting import gallery as pages
from hwcore.reporting.gallery import gallery


def make(project: Project, *settings: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "gallery", "CORES=1", *settings]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)


def judged(results: Path, figure: str) -> None:
    """Results of a scale whose one claim is judged, about ``figure``."""
    claims = pd.read_parquet(results / "claims.parquet")
    row = {**claims.iloc[0].to_dict(), "verdict": "right", "reason": "It has 10.5 | 10. And more."}
    row |= {"diagnosis": "As run it is wrong.", "figure": figure}
    write_table(results / "claims.parquet", frame([row]))


def test_a_quick_gallery_says_that_nothing_is_judged(finished: Project, tmp_path: Path) -> None:
    project = finished.clone(tmp_path / "project")
    project.add_make()
    folder = project.folder / "docs/gallery"
    (folder / "tiny").mkdir(parents=True)
    (folder / "tiny/old.svg").touch()
    done = make(project)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (folder / "tiny.md").read_text()
    assert "No claim is judged." in page
    assert "| **not judged** | The narrow network has 10 parameters. | 10 |" in page
    # no claim names a figure, so that the first is shown, and that of an earlier gallery is gone
    assert [path.name for path in (folder / "tiny").iterdir()] == ["fit--loss.svg"]
    assert "](tiny/fit--loss.svg)" in page

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
    gallery(results, tmp_path / "gallery")
    page = (tmp_path / "gallery/tiny.md").read_text()
    assert "](tiny/classify--accuracy.svg)\n\nAccuracy." in page
    copied, drawn = tmp_path / "gallery/tiny/classify--accuracy.svg", results / "figures/tiny/classify/accuracy.svg"
    assert copied.read_bytes() == drawn.read_bytes()
    # the reason, in which a bar ends no cell, and what a variant shows
    assert "| **right** |" in page
    assert "| It has 10.5 \\| 10. And more. As run it is wrong. |" in page


def test_pages_of_earlier_runs_stay_in_the_index(finished: Project, tmp_path: Path) -> None:
    results = finished.clone(tmp_path / "project").folder / "results/quick"
    (tmp_path / "gallery").mkdir()
    earlier = (
        "---\ntitle: 'Earlier: one'\nreport: Nobody, 2024\nscale: standard\nverdicts: {holds: 3}\n---\n\n# Earlier\n"
    )
    (tmp_path / "gallery/earlier.md").write_text(earlier)
    # a page by hand is none of the gallery's
    (tmp_path / "gallery/notes.md").write_text("---\ntitle: Notes: mine\n---\n\n# Notes\n")
    judged(results, "figures/tiny/classify/accuracy")
    gallery(results, tmp_path / "gallery")
    index = (tmp_path / "gallery/index.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in index.splitlines() if line.startswith("|")]
    assert rows[0] == ["study", "report by", "scale", "holds", "right"]
    assert rows[2] == ["[Earlier: one](earlier.md)", "Nobody, 2024", "standard", "3", "0"]
    assert rows[3][0].endswith("](tiny.md)")
    assert rows[3][2:] == ["quick", "0", "1"]
    assert (tmp_path / "gallery/earlier.md").read_text() == earlier


def test_a_page_is_no_change_for_the_next_one(
    finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, folder = finished.clone(tmp_path / "project").folder / "results/quick", tmp_path / "gallery"
    jobs = read_json(results / "plan/summary.json")
    jobs["index:index"]["spec"]["studies"] *= 2
    write_json(results / "plan/summary.json", jobs)
    monkeypatch.setattr(pages, "commit", lambda: {"commit": "0123456789abcdef", "dirty": folder.exists()})
    gallery(results, folder)
    assert ", by commit `0123456789`, on " in (folder / "tiny.md").read_text()
    gallery(results, folder)
    assert ", by commit `0123456789` with uncommitted changes, on " in (folder / "tiny.md").read_text()


def test_results_that_are_missing_or_of_another_study_are_refused(finished: Project, tmp_path: Path) -> None:
    results = finished.clone(tmp_path / "project").folder / "results/quick"
    plan = results / "plan/summary.json"
    jobs = read_json(plan)
    jobs["index:index"]["spec"]["studies"][0]["claims"]["new"] = "fit"
    write_json(plan, jobs)
    with pytest.raises(HwcoreError, match="are not those of the studies; run `make report SCALE=quick` first"):
        gallery(results, tmp_path / "gallery")
    del jobs["index:index"]["spec"]["studies"][0]["claims"]["new"]
    write_json(plan, jobs)
    (results / "figures/tiny/fit/loss.svg").unlink()
    with pytest.raises(HwcoreError, match=r"figures/tiny/fit/loss\.svg: is missing; run"):
        gallery(results, tmp_path / "gallery")
    assert not (tmp_path / "gallery").exists()
