"""The same configuration gives the same bytes on machines of one kind, and nearly the same numbers on any.

tests/stored/tiny.json has the tables of the tiny study; HWCORE_STORE=1 writes it anew, after a change that means to
change numbers.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT, Project
from hwcore.launch import servers
from hwcore.machine import machine
from hwcore.plan import NUMERIC_PACKAGES
from hwcore.provenance import versions
from hwcore.reporting.markdown import APPENDIX


def products(project: Project, pattern: str) -> dict[str, Path]:
    results = project.folder / "results/quick"
    return {str(path.relative_to(results)): path for path in sorted(results.rglob(pattern))}


def test_cores_folder_locale_time_zone_and_hash_seed_change_no_byte(
    finished: Project, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    # jobs are forked on two cores there, and start directly on eight here
    monkeypatch.setenv(servers.DIRECT, "1")
    for name, value in {"LC_ALL": "C", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "4321", "USER": "other"}.items():
        monkeypatch.setenv(name, value)
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


STORED = ROOT / "tests/stored/tiny.json"
# Numbers of another kind of machine may differ so much, relative to the largest of their column.
SPREAD = 1e-3


def processor() -> str:
    """Its model, and a hash of the instructions that it has: virtual machines hide some of them."""
    said = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    flags = next((line for line in said.splitlines() if line.startswith(("flags", "Features"))), "")
    return f"{machine()['cpu']} {hashlib.sha256(flags.encode()).hexdigest()[:16]}"


def test_stored_results_come_out_again(finished: Project) -> None:
    kind = {"processor": processor(), **versions(NUMERIC_PACKAGES)}
    tables: dict[str, Any] = {}
    for name, path in products(finished, "*.parquet").items():
        table = pd.read_parquet(path)
        numbers = table.select_dtypes("number").drop(columns="seconds", errors="ignore")
        if name.startswith(("tables/", "runs/")):
            tables[name] = {column: values.tolist() for column, values in numbers.items()}
    if "HWCORE_STORE" in os.environ:
        STORED.parent.mkdir(exist_ok=True)
        STORED.write_text(json.dumps({"kind": kind, "tables": tables}) + "\n")
    stored = json.loads(STORED.read_text())
    assert stored["tables"].keys() == tables.keys()
    for name, expected in stored["tables"].items():
        assert expected.keys() == tables[name].keys(), name
        for column, values in expected.items():
            if stored["kind"] == kind:
                # a number that is none is unequal to itself
                assert repr(tables[name][column]) == repr(values), (name, column)
            else:
                most = np.nanmax(np.abs(np.array(values, dtype=float)), initial=0.0)
                np.testing.assert_allclose(tables[name][column], values, rtol=SPREAD, atol=SPREAD * most, err_msg=name)
