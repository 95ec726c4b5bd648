import hashlib
import os
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from hwcore.data.sources.spec import SourceSpec
from hwcore.spec import Count


class Settings(SourceSpec):
    """Images of one's own, in train/<class>/* and test/<class>/*: a folder or an archive."""

    places: ClassVar[frozenset[str]] = frozenset({"root", "archive"})

    source: Literal["imagefolder"]
    root: str | None = Field(default=None, description="the folder")
    archive: str | None = Field(default=None, description="a .tar.gz, .tgz or .zip instead of the folder")
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
        default=None, description="the SHA-256 of the archive"
    )
    size: tuple[Count, Count] | None = Field(default=None, description="[height, width] to which images are scaled")

    def resolve(self, name: str) -> dict[str, Any]:
        settings = super().resolve(name)
        if ("root" in settings) == ("archive" in settings):
            raise ValueError("an imagefolder needs either `archive` (with its sha256) or `root` (a folder)")
        if "archive" in settings:
            if not settings["archive"].endswith((".tar.gz", ".tgz", ".zip")):
                raise ValueError(f"archive: {settings['archive']!r} is neither .tar.gz, .tgz nor .zip")
            if self.sha256 is None:
                raise ValueError(
                    "sha256: is missing; an archive is used only if its SHA-256 is stated (see `sha256sum`)"
                )
            return settings
        if not os.path.isdir(settings["root"]):
            raise ValueError(f"root: there is no folder {settings['root']!r}")
        if self.sha256 is not None:
            raise ValueError("sha256: goes with `archive`, not with a folder")
        return {**settings, "files": _listing(Path(settings["root"]))}


def _listing(root: Path) -> str:
    files = sorted(
        f"{os.path.relpath(os.path.join(folder, name), root)} {os.path.getsize(os.path.join(folder, name))}"
        for folder, _, names in os.walk(root)
        for name in names
        # a symbolic link may lead nowhere; what reads them leaves it out too
        if os.path.isfile(os.path.join(folder, name))
    )
    return hashlib.sha256("\n".join(files).encode()).hexdigest()
