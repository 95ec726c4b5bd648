"""The same configuration gives the same bytes, however many jobs run at a time."""

from pathlib import Path

import pandas as pd

from conftest import Project


def products(project: Project, pattern: str) -> dict[str, Path]:
    results = project.folder / "results/quick"
    return {str(path.relative_to(results)): path for path in sorted(results.rglob(pattern))}


def test_two_runs_from_scratch_are_equal_but_for_time(finished: Project, project: Project) -> None:
    project.run("report", cores=8)
    tables, again = products(finished, "*.parquet"), products(project, "*.parquet")
    assert list(tables) == list(again)
    assert len(tables) > 10
    for name in tables:
        if name.endswith("metrics.parquet"):
            first, second = (pd.read_parquet(each[name]).drop(columns="seconds") for each in (tables, again))
            pd.testing.assert_frame_equal(first, second, check_exact=True)
        else:
            assert tables[name].read_bytes() == again[name].read_bytes(), name
    for pattern in ("*.safetensors", "*.svg", "*.pdf", "*.md"):
        first, second = products(finished, pattern), products(project, pattern)
        assert first
        for name in first:
            assert first[name].read_bytes() == second[name].read_bytes(), name
