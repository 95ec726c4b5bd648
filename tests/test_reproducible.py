"""The same configuration gives the same bytes, however many jobs run at a time."""

import json
from pathlib import Path

import pandas as pd
import pytest

from conftest import Project
from hwcore.launch import servers
from hwcore.reporting.markdown import APPENDIX


def products(project: Project, pattern: str) -> dict[str, Path]:
    results = project.folder / "results/quick"
    return {str(path.relative_to(results)): path for path in sorted(results.rglob(pattern))}


def test_jobs_forked_on_two_cores_and_direct_on_eight_give_the_same(
    finished: Project, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(servers.DIRECT, "1")
    project.run("report", cores=8)
    for each, forked in ((finished, True), (project, False)):
        timings = [json.loads(path.read_text()) for path in products(each, "benchmarks/train/**/*.json").values()]
        assert {timing["forked"] for timing in timings} == {forked}
    tables, again = products(finished, "*.parquet"), products(project, "*.parquet")
    assert list(tables) == list(again)
    assert len(tables) > 10
    for name in tables:
        if name.endswith("metrics.parquet"):
            first, second = (pd.read_parquet(each[name]).drop(columns="seconds") for each in (tables, again))
            pd.testing.assert_frame_equal(first, second, check_exact=True)
        else:
            assert tables[name].read_bytes() == again[name].read_bytes(), name
    for pattern in ("*.safetensors", "figures/**/*.svg", "figures/**/*.pdf"):
        first, second = products(finished, pattern), products(project, pattern)
        assert first
        for name in first:
            assert first[name].read_bytes() == second[name].read_bytes(), name
    pages = [each.folder / "results/quick/report/tiny.md" for each in (finished, project)]
    # the last part tells what the jobs took
    texts = [page.read_text().partition(APPENDIX) for page in pages]
    assert all(appendix for _, appendix, _ in texts)
    assert texts[0][0] == texts[1][0]
