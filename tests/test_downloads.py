"""Downloads from servers that misbehave, and archives that would: whole and verified, or one line and nothing left."""

import bz2
import gzip
import http.client
import http.server
import io
import os
import stat
import struct
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torchvision.datasets
from test_data import archives as mnist_files  # noqa: F401  (a fixture)
from test_data import fetch, mnist

from hwcore.data import archives, catalog
from hwcore.data import fetch as fetching
from hwcore.data.download import download
from hwcore.errors import HwcoreError

CONTENT = bytes(range(256)) * 2000
Answer = Callable[["Server"], None]


class Server(http.server.BaseHTTPRequestHandler):
    """Answers each request with the next of ``answers``, and all further ones with the last."""

    answers: list[Answer]
    asked: list[dict[str, str]]

    def do_GET(self) -> None:
        answers, asked = type(self).answers, type(self).asked
        asked.append({"path": self.path, **{key.lower(): value for key, value in self.headers.items()}})
        answers[min(len(asked), len(answers)) - 1](self)

    def say(self, status: int, body: bytes = b"", length: int | str | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body) if length is None else length), **headers}.items():
            if value != "none":
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[str, list[dict[str, str]]]]]:
    """Start a server with some answers: its address, and the requests that it gets."""
    servers = []

    def start(*answers: Answer) -> tuple[str, list[dict[str, str]]]:
        handler = type("Handler", (Server,), {"answers": [*answers], "asked": []})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}", handler.asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_PAUSES", (0.0, 0.0))


def whole(request: Server) -> None:
    request.say(200, CONTENT, ETag='"one"')


def rest(request: Server) -> None:
    """What is asked for, as servers do that can."""
    begin = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    place = f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}"
    request.say(206, CONTENT[begin:], ETag='"one"', Content_Range=place)


def cut(length: int, **headers: str) -> Answer:
    return lambda request: request.say(200, CONTENT[:length], len(CONTENT), **headers)


def status(code: int, **headers: str) -> Answer:
    return lambda request: request.say(code, b"sorry", **headers)


def drip(request: Server) -> None:
    request.say(200, b"", 1000)
    stop = threading.Event()
    for _ in range(200):
        try:
            request.wfile.write(b"x")
        except OSError:
            return
        stop.wait(0.02)


def stall(request: Server) -> None:
    request.say(200, b"x", 1000)
    threading.Event().wait(0.6)


def got(address: str, tmp_path: Path) -> bytes:
    fetching.fetch(f"{address}/file", tmp_path / "file", tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
    return (tmp_path / "file").read_bytes()


@pytest.mark.parametrize(
    ("answers", "requests"),
    [
        ([whole], 1),
        ([status(503), status(500), whole], 3),
        ([cut(1000), cut(2000), whole], 3),
        ([cut(1000, ETag='"one"'), rest], 2),
        # a server that starts anew, one that cannot go on, and one whose file has changed
        ([cut(1000, ETag='"one"'), whole], 2),
        ([cut(1000, ETag='"one"'), status(416), whole], 3),
        ([cut(1000, Last_Modified="Thu, 01 Jan 2026 00:00:00 GMT"), rest], 2),
        # the length is not told
        ([lambda request: request.say(200, CONTENT, "none")], 1),
        ([lambda request: request.say(200, CONTENT, "many")], 1),
        ([status(302, Location="/there"), whole], 2),
    ],
)
def test_what_passes_by_itself(tmp_path: Path, serve: Any, answers: list[Answer], requests: int) -> None:
    address, asked = serve(*answers)
    assert got(address, tmp_path) == CONTENT
    assert len(asked) == requests
    for request in asked:
        assert ("range" in request) == ("if-range" in request)


@pytest.mark.parametrize(
    ("answers", "requests", "says"),
    [
        ([status(404)], 1, "404 Not Found"),
        ([status(403)], 1, "403 Forbidden"),
        ([status(500)], 3, "500 Internal Server Error"),
        ([status(302, Location="/file")], 5, "would lead to an infinite loop"),
        ([status(302, Location="file:///etc/passwd")], 1, "is not allowed"),
        ([status(302, Location="ftp://127.0.0.1/x")], 1, "unknown url type: ftp"),
        ([cut(1000)], 3, f"ended after 1000 of {len(CONTENT)} bytes"),
        ([drip], 3, "too slow: "),
        ([stall], 3, "timed out"),
        ([lambda request: request.wfile.write(b"what?\r\n\r\n")], 3, "what?"),
        ([lambda request: request.connection.close()], 3, ""),
    ],
)
def test_what_does_not_pass_is_told(
    tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch, answers: list[Answer], requests: int, says: str
) -> None:
    monkeypatch.setattr(fetching, "_TIMEOUT", 0.3)
    address, asked = serve(*answers)
    with pytest.raises((OSError, http.client.HTTPException)) as error:
        got(address, tmp_path)
    assert says in fetching.reason(error.value)
    assert fetching.reason(error.value)
    assert "\n" not in fetching.reason(error.value)
    assert len(asked) == requests
    assert not list(tmp_path.iterdir())


def test_a_later_call_goes_on_where_a_transfer_broke_off(tmp_path: Path, serve: Any) -> None:
    address, _ = serve(cut(1000, ETag='"one"'), status(503))
    with pytest.raises(OSError, match="503"):
        got(address, tmp_path)
    # the last answer said nothing of the file, so that nothing is known of what is there
    assert not (tmp_path / "kept").exists()
    address, asked = serve(cut(1000, ETag='"one"'), cut(500, ETag='"one"'), cut(1500, ETag='"one"'), rest)
    with pytest.raises(OSError, match="ended after 1500"):
        got(address, tmp_path)
    assert len(list((tmp_path / "kept").iterdir())) == 2
    assert got(address, tmp_path) == CONTENT
    assert asked[-1]["range"] == "bytes=1500-"
    assert asked[-1]["if-range"] == '"one"'


def test_another_part_than_was_asked_for_is_not_joined(tmp_path: Path, serve: Any) -> None:
    wrong: Answer = lambda request: request.say(206, CONTENT[5:], Content_Range="bytes 5-9/10")  # noqa: E731
    address, asked = serve(cut(1000, ETag='"one"'), wrong, whole)
    assert got(address, tmp_path) == CONTENT
    assert "range" not in asked[-1]


def test_only_http_is_spoken(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    for address in (f"file://{tmp_path}/secret", "data:,secret", "ftp://127.0.0.1/secret"):
        with pytest.raises(OSError, match="unknown url type"):
            got(address, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_the_next_host_is_asked_if_the_first_sends_something_else(
    tmp_path: Path,
    serve: Any,
    mnist_files: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def send(request: Server) -> None:
        request.say(200, (mnist_files / Path(request.path).name).read_bytes())

    for first in (status(500), lambda request: request.say(200, b"another file"), cut(10)):
        bad, asked_first = serve(first)
        good, asked = serve(send)
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [f"{bad}/", f"{good}/"])
        root = tmp_path / str(len(asked_first) + len(list(tmp_path.iterdir())))
        source = catalog.resolve("mnist", {"source": "torchvision", "root": str(root)})
        download("mnist", source.identity, source.places)
        assert len(asked) == 4
        assert [path.name for path in root.iterdir()] == ["MNIST"]


def test_a_wrong_file_of_the_right_length_is_told_and_nothing_stays(
    tmp_path: Path,
    serve: Any,
    mnist_files: Path,  # noqa: F811
) -> None:
    def send(request: Server) -> None:
        right = (mnist_files / Path(request.path).name).read_bytes()
        request.say(200, bytes(len(right)), ETag='"x"')

    address, _ = serve(send)
    with pytest.raises(HwcoreError, match=r"is damaged or incomplete \(its checksum is wrong\)") as error:
        fetch("mnist", mnist(tmp_path, address))
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "root").iterdir())


# Archives


def tar(path: Path, *members: tuple[str, dict[str, Any], bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, settings, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for key, value in settings.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content))
    return path


def zipped(path: Path, *members: tuple[str, int, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, mode, content in members:
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return path


def claiming(path: Path, size: int) -> Path:
    """A tar whose one member says that it has so many bytes, and is a sparse file."""
    member = tarfile.TarInfo("a")
    member.size = size
    path.write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(1024)))
    return path


def with_header(path: Path, size: int) -> Path:
    """A tar with an extended header of so many bytes."""
    member = tarfile.TarInfo("a")
    member.type, member.size = tarfile.XHDTYPE, size
    path.write_bytes(gzip.compress(member.tobuf(tarfile.USTAR_FORMAT) + bytes(size)))
    return path


def long_list(path: Path, entries: int) -> Path:
    """The end of a zip with so many entries, whose list takes no room on the disk."""
    size = entries * 47  # a name of one letter
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, size, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, size, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
    with path.open("wb") as file:
        file.seek(size)
        file.write(end64 + locator + end)
    return path


SYMLINK, HARDLINK = {"type": tarfile.SYMTYPE}, {"type": tarfile.LNKTYPE}
HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "tar-parent": (lambda p: tar(p / "a.tar.gz", ("../evil", {}, b"x")), r"holds the path '\.\./evil', which leads"),
    "tar-inner-parent": (lambda p: tar(p / "a.tgz", ("a/../../evil", {}, b"x")), "which leads outside"),
    "tar-root": (lambda p: tar(p / "a.tar", ("/tmp/evil", {}, b"x"), mode="w"), "which leads outside"),
    "tar-drive": (lambda p: tar(p / "a.tar.xz", ("C:\\evil", {}, b"x"), mode="w:xz"), "which leads outside"),
    "tar-symlink": (lambda p: tar(p / "a.tar.gz", ("a", SYMLINK | {"linkname": "/etc"}, b"")), "holds a link, 'a'"),
    "tar-hardlink": (lambda p: tar(p / "a.tar.gz", ("a", HARDLINK | {"linkname": "b"}, b"")), "holds a link"),
    "tar-device": (lambda p: tar(p / "a.tar.gz", ("a", {"type": tarfile.BLKTYPE}, b"")), "holds a device, 'a'"),
    "tar-pipe": (lambda p: tar(p / "a.tar.gz", ("a", {"type": tarfile.FIFOTYPE}, b"")), "holds a device"),
    "tar-bomb": (
        lambda p: tar(p / "a.tar.gz", ("a", {}, bytes(20_000)), ("b", {}, bytes(20_000))),
        "unpacks to more than",
    ),
    "tar-claims": (lambda p: claiming(p / "a.tar.gz", 2**40), "unpacks to more than"),
    "tar-negative": (lambda p: claiming(p / "a.tar.gz", -512), "cannot be read"),
    "tar-header": (lambda p: with_header(p / "a.tar.gz", 1001), "has a header of 1,001 bytes"),
    "tar-many": (lambda p: tar(p / "a.tar.gz", *[(f"{i}", {}, b"") for i in range(11)]), "more than 10 entries"),
    "tar-cut": (lambda p: cut_off(tar(p / "a.tar.gz", ("a", {}, os.urandom(999)))), "cannot be read"),
    "zip-parent": (lambda p: zipped(p / "a.zip", ("../evil", 0, b"x")), "which leads outside"),
    "zip-backslash": (lambda p: zipped(p / "a.zip", ("..\\evil", 0, b"x")), "which leads outside"),
    "zip-root": (lambda p: zipped(p / "a.zip", ("/evil", 0, b"x")), "which leads outside"),
    "zip-link": (lambda p: zipped(p / "a.zip", ("a", stat.S_IFLNK | 0o777, b"/etc")), "holds a link, 'a'"),
    "zip-device": (lambda p: zipped(p / "a.zip", ("a", stat.S_IFCHR, b"")), "holds a device"),
    "zip-bomb": (lambda p: zipped(p / "a.zip", ("a", 0, bytes(40_000))), "unpacks to more than"),
    "zip-many": (lambda p: zipped(p / "a.zip", *[(f"{i}", 0, b"") for i in range(11)]), "more than 10 entries"),
    "zip-cut": (lambda p: cut_off(zipped(p / "a.zip", ("a", 0, b"x"))), "cannot be read"),
    "zip-odd": (lambda p: odd(zipped(p / "a.zip", ("a", 0, b"x"))), "cannot be read"),
    "no-archive": (lambda p: tar(p / "a.rar", ("a", {}, b"")), "is neither"),
}


def cut_off(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-30])
    return path


def odd(path: Path) -> Path:
    """Compressed in a way that Python's reader has not."""
    path.write_bytes(
        path.read_bytes().replace(struct.pack("<2H", 20, 0) + b"\x08", struct.pack("<2H", 20, 0) + b"\x63")
    )
    return path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that small archives reach."""
    monkeypatch.setattr(archives, "_ALWAYS", 30_000)
    monkeypatch.setattr(archives, "_HEADER", 1000)
    monkeypatch.setattr(archives, "_RATIO", 0)
    monkeypatch.setattr(archives, "ENTRIES", 10)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing_outside(tmp_path: Path, small: None, name: str) -> None:
    make, says = HOSTILE[name]
    archive = make(tmp_path)
    inside = tmp_path / "deep/inside"
    inside.mkdir(parents=True)
    with pytest.raises(HwcoreError, match=says) as error:
        archives.unpack(archive, inside)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{archive}: ")
    assert {path for path in tmp_path.rglob("*") if inside not in path.parents} == {archive, inside, inside.parent}
    assert not [path for path in inside.rglob("*") if path.is_symlink()]


def test_a_zip_of_ten_million_entries_is_refused_before_they_are_read(tmp_path: Path) -> None:
    with pytest.raises(HwcoreError, match="has more than 2,000,000 entries"):
        next(archives.files(long_list(tmp_path / "a.zip", 10_000_000)))
    with pytest.raises(HwcoreError, match="cannot be read"):
        next(archives.files(long_list(tmp_path / "a.zip", 10)))


@pytest.mark.parametrize("kind", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz"])
def test_an_archive_as_it_should_be(tmp_path: Path, kind: str) -> None:
    content = {"x/1.txt": b"one", "x/y/2.txt": b"", "3.txt": bytes(2**21)}
    path = tmp_path / kind
    if kind == "a.zip":
        zipped(path, ("x/", stat.S_IFDIR, b""), *[(name, stat.S_IFREG | 0o600, data) for name, data in content.items()])
    else:
        modes = {"tgz": "gz", "tar": ""}
        end = kind.rpartition(".")[2]
        members: list[Any] = [(name, {"mode": 0o4777}, data) for name, data in content.items()]
        tar(path, ("x", {"type": tarfile.DIRTYPE}, b""), *members, mode=f"w:{modes.get(end, end)}")
    archives.unpack(path, tmp_path / "made")
    made = {path: path.read_bytes() for path in (tmp_path / "made").rglob("*") if path.is_file()}
    assert made == {tmp_path / "made" / name: data for name, data in content.items()}
    # no rights that the archive would have
    assert all(path.stat().st_mode & 0o6111 == 0 for path in made)


def test_one_compressed_file(tmp_path: Path, small: None) -> None:
    for suffix, module in ((".gz", gzip), (".bz2", bz2)):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(module.compress(b"x" * 20_000))
        archives.decompress(path, tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == b"x" * 20_000
        path.write_bytes(module.compress(b"x" * 40_000))
        with pytest.raises(HwcoreError, match="unpacks to more than"):
            archives.decompress(path, tmp_path / "a")
        path.write_bytes(module.compress(os.urandom(3000))[:-100])
        with pytest.raises(HwcoreError, match="cannot be read"):
            archives.decompress(path, tmp_path / "a")


def test_torchvision_unpacks_by_the_same_rules(tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one set without a checksum."""
    hostile = tar(tmp_path / "fgvc-aircraft-2013b.tar.gz", ("../../../evil", {}, b"x"))
    address, _ = serve(lambda request: request.say(200, hostile.read_bytes()))
    said = {"source": "torchvision", "root": str(tmp_path / "deep/root"), "mirror": address}
    source = catalog.resolve("fgvc-aircraft", said)
    with pytest.raises(HwcoreError, match=r"fgvc-aircraft-2013b\.tar\.gz: holds the path '\.\./\.\./\.\./evil'"):
        download("fgvc-aircraft", source.identity, source.places)
    assert not [path for path in tmp_path.rglob("*") if path.name == "evil"]
    assert not list((tmp_path / "deep/root").iterdir())
