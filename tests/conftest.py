"""A copy of the project with one tiny study, in which tests run the real pipeline."""

import gc
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import forked
import pytest

ROOT = Path(__file__).resolve().parents[1]
# What a process has loaded stays: to look for garbage in it again and again takes a tenth of the time.
gc.set_threshold(100_000, 20, 20)
COPIED = ("Snakefile", "config.yaml", "rules", "workflow_scripts", "hwcore", "profiles", "envs")


@dataclass
class Project:
    """A project folder that tests may change."""

    folder: Path

    def snakemake(self, *arguments: str, cores: int = 2) -> subprocess.CompletedProcess[str]:
        return forked.snakemake(["--cores", str(cores), *arguments], self.folder)

    def run(self, *arguments: str, cores: int = 2) -> str:
        """What Snakemake printed.  Fails the test if it failed."""
        done = self.snakemake(*arguments, cores=cores)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def loaded(self, *arguments: str) -> tuple[str, set[str]]:
        """What a call prints, and the modules that it loads."""
        command = [sys.executable, "-X", "importtime", "-m", "snakemake", "--cores", "2", *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True)
        lines = done.stderr.splitlines()
        return done.stderr, {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}

    def stale(self, *arguments: str) -> set[str]:
        """The jobs that a run would do now, by their messages."""
        return {*self.reasons(*arguments)}

    def reasons(self, *arguments: str) -> dict[str, str]:
        """Why a run would do them, by their messages."""
        done = self.snakemake("--dry-run", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        *lines, last = [line for line in done.stdout.splitlines() if not line.startswith("Config file")]
        # a target such as `report` is a job too
        count = rf"({len(lines)}|{len(lines) + 1}) jobs? to run: "
        assert last.startswith("Nothing to be done") or re.match(count, last), done.stdout
        return dict(line.split(": ", 1) for line in lines)

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new, 1))

    def add_make(self) -> None:
        """The Makefile, with an environment that it finds installed."""
        shutil.copy(ROOT / "Makefile", self.folder)
        shutil.copytree(ROOT / "requirements", self.folder / "requirements")
        environment = self.folder / ".venv"
        environment.mkdir()
        for path in Path(sys.prefix).iterdir():
            if path.suffix != ".done":
                (environment / path.name).symlink_to(path)
        for stamp in ("python", "run", "dev"):
            (environment / f"{stamp}.done").touch()

    def clone(self, target: Path) -> "Project":
        """A clone with ``results/`` copied in; what else was made does not come along."""
        # like a clone, a copy has new modification times
        made = shutil.ignore_patterns("__pycache__", "resources")
        shutil.copytree(self.folder, target, ignore=made, copy_function=shutil.copyfile)
        shutil.rmtree(target / ".snakemake")
        return Project(target)


def make_project(folder: Path) -> Project:
    folder.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    (folder / "report").mkdir()
    for path in (ROOT / "report").iterdir():
        if path.is_file():
            shutil.copy(path, folder / "report")
    shutil.copytree(ROOT / "tests/tiny", folder / "report/tiny")
    return Project(folder)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose report is made.  Tests must leave it as they found it."""
    project = make_project(tmp_path_factory.mktemp("finished") / "project")
    project.run("report")
    return project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in which nothing is made yet."""
    return make_project(tmp_path / "project")


@pytest.fixture
def edited(finished: Project) -> "Callable[[str, str, str], set[str]]":
    """Edit a file of the finished project, tell what became stale, and take the edit back."""

    def edit(file: str, old: str, new: str) -> set[str]:
        path = finished.folder / file
        before = path.read_bytes()
        try:
            finished.edit(file, old, new)
            return finished.stale()
        finally:
            path.write_bytes(before)

    return edit
