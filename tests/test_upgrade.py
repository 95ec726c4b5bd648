"""Results of other versions are brought up to date or refused."""

import json
from pathlib import Path

import pytest

from hwcore.errors import HwcoreError
from hwcore.upgrade import VERSION, bring_up_to_date


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_new_folder_says_its_version() -> None:
    bring_up_to_date()
    assert json.loads(Path("results/format.json").read_text()) == {"version": VERSION}
    before = Path("results/format.json").stat().st_mtime_ns
    bring_up_to_date()
    assert Path("results/format.json").stat().st_mtime_ns == before


def test_results_from_before_there_were_versions_are_brought_up_to_date() -> None:
    run = Path("results/quick/runs/s/e/m")
    (run / "unfinished").mkdir(parents=True)
    (run / "unfinished/0.pt").write_bytes(b"pickled")
    (run / "checkpoint.safetensors").write_bytes(b"kept")
    Path("results/quick/plan").mkdir()
    Path("results/quick/plan/data.json").write_text("{}")
    record = Path("results/.snakemake/ab/record")
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"params": ["'results/quick/plan/data.json digits 0123'"]}))
    (record.parent / "other").write_text("{}")
    bring_up_to_date()
    assert not (run / "unfinished/0.pt").exists()
    assert not Path("results/quick/plan/data.json").exists()
    assert json.loads(record.read_text()) == {"params": ["'results/plan/data.json digits 0123'"]}
    assert (run / "checkpoint.safetensors").read_bytes() == b"kept"
    assert json.loads(Path("results/format.json").read_text()) == {"version": VERSION}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"version": 99}', f"newer hwcore \\(format 99, this one knows {VERSION}\\); use that one, or move"),
        ("", r"results/format\.json: is damaged; delete it if"),
        ('{"version": "x"}', "is damaged"),
        ("[]", "is damaged"),
        ("1", "is damaged"),
        ('{"version": 0}', "is damaged"),
    ],
)
def test_what_cannot_be_brought_up_to_date_is_refused_and_stays(content: str, says: str) -> None:
    state = Path("results/quick/runs/unfinished/0.pt")
    state.parent.mkdir(parents=True)
    state.write_text("x")
    Path("results/format.json").write_text(content)
    with pytest.raises(HwcoreError, match=says) as error:
        bring_up_to_date()
    assert "\n" not in str(error.value)
    assert state.exists()
    assert Path("results/format.json").read_text() == content
