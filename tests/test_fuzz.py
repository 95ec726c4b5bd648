"""Whatever a study, a configuration, a formula or a page says, it is read, or told in a line, soon, and nothing else.

A few hundred inputs here; `python tests/fuzz.py study` goes on for as long as one likes, guided by what code it reaches
where atheris is installed.
"""

import copy
import math
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hwcore.plan
from conftest import ROOT
from hwcore.config import parse
from hwcore.data import formula, notation
from hwcore.data.spec import FunctionData
from hwcore.errors import HwcoreError
from hwcore.fingerprint import Code
from hwcore.plan import Plan
from hwcore.reporting.filling import fill
from hwcore.studies import source

EXAMPLES = int(os.environ.get("HWCORE_FUZZ", "60"))
SECONDS = 20
few = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[*HealthCheck])


class ForbiddenError(Exception):
    """Something was written, started or asked for that no input may reach."""


_watched: list[Path] = []
_CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.link", "os.truncate", "shutil.rmtree"}
_REACHES = {
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "socket.connect",
    "exec",
    "ctypes.dlopen",
}


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watched:
        return
    writes = event == "open" and isinstance(arguments[1], str) and {*"wax+"} & {*arguments[1]}
    path = arguments[0] if writes or event in _CHANGES else None
    inside = isinstance(path, str | os.PathLike) and Path(path).is_relative_to(_watched[0])
    if event in _REACHES - {"exec"} or (path is not None and not inside):
        raise ForbiddenError(f"{event}: {arguments}")


sys.addaudithook(_look)


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """What happens within ends soon, in nothing or in an error of a line or two, and writes only into ``folder``."""

    def late(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"still at work after {SECONDS} s")

    # of processor time, since a busy machine is slow by itself
    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    _watched.append(folder)
    try:
        yield
    except HwcoreError as error:
        message = str(error)
        assert message.strip(), "nothing is said"
        assert message.count("\n") <= 1, message
        assert len(message) < 20_000, "nobody reads so long an error"
    finally:
        _watched.clear()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@cache
def samples() -> list[Any]:
    """Studies of one experiment or a few, as trees."""
    tiny = yaml.safe_load((ROOT / "tests/tiny/study.yaml").read_text())
    many = source.read(ROOT / "tests/expressible/study.yaml")
    found = [tiny]
    for id, experiment in many["experiments"].items():
        claims = {name: claim for name, claim in many.get("claims", {}).items() if claim.get("experiment") == id}
        found.append({"title": "T", "replicates": 2, "experiments": {id: experiment}, "claims": claims})
    for path in sorted(ROOT.glob("report/*/study.yaml")):
        whole = source.read(path)
        used = [each["experiment"] for each in whole["claims"].values()]
        id = max(dict.fromkeys(used), key=used.count)
        claims = {name: claim for name, claim in whole["claims"].items() if claim["experiment"] == id}
        part = {**whole, "experiments": {id: whole["experiments"][id]}, "figures": {}, "claims": claims}
        found.append({key: value for key, value in part.items() if key != "findings"})
    return found


@cache
def parts() -> list[Any]:
    """Whatever stands anywhere in them."""
    found: list[Any] = []
    stack = [*samples()]
    while stack:
        value = stack.pop()
        found.append(value)
        if isinstance(value, dict | list):
            stack += value.values() if isinstance(value, dict) else value
    return found


@cache
def keys() -> list[str]:
    return sorted({str(key) for part in parts() if isinstance(part, dict) for key in part})


JUNK = st.one_of(
    st.sampled_from(
        [
            *(None, True, False, 0, -1, 1, 2, 10**6, 10**12, 10**30, -(10**30), 0.0, -0.0, 0.5, 1e-300, 1e308),
            *(
                math.inf,
                -math.inf,
                math.nan,
                "",
                " ",
                "\n",
                "a\n\nb",
                "\0",
                "é",
                "∞",
                "'",
                '"',
                "{",
                "}",
                "{lr}",
                "{{x}}",
            ),
            *(
                "{parameters}",
                "{epochs:>9999999999}",
                "{lr.__class__}",
                "{0}",
                "../../etc/passwd",
                "/etc/passwd",
                "$(id)",
            ),
            *(
                "; id",
                "x" * 5000,
                "9**9**9",
                "1/0",
                "sin((-1)**0.5)",
                "(" * 90,
                "a--b",
                "all",
                "models",
                "full",
                "auto",
            ),
            *([], {}, [[]], {"": {}}, {"a": {}}, [None], [0], [-1], [10**9], [[1, 2], [3]], {"kind": "x"}, {"<<": 1}),
            *([1] * 300, {"zip": {}}, {"matrix": {"a": [1] * 300, "b": [1] * 300}}, {"each": "models"}, {"block": "a"}),
            *({"matrix": {"training.lr": [1, 2]}}, {"steps": 0}, {"start": 0, "stop": 1, "count": 10**9}),
        ]
    ),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.deferred(lambda: st.sampled_from(parts())),
)


def mutated(draw: Callable[..., Any], tree: Any) -> Any:
    """The tree with some of its parts changed, taken away, doubled or put elsewhere."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 4))):
        place = tree
        for _ in range(draw(st.integers(0, 9))):
            inner = [*(place.values() if isinstance(place, dict) else place)]
            inner = [each for each in inner if isinstance(each, dict | list) and each]
            if not inner:
                break
            place = inner[draw(st.integers(0, len(inner) - 1))]
        names = [*place] if isinstance(place, dict) else [*range(len(place))]
        if not names:
            continue
        name = names[draw(st.integers(0, len(names) - 1))]
        value = copy.deepcopy(draw(JUNK))
        match draw(st.integers(0, 5)):
            case 0 | 1:
                place[name] = value
            case 2:
                del place[name]
            case 3 if isinstance(place, dict):
                place[draw(st.one_of(st.sampled_from(keys()), st.text(max_size=9), st.integers(-1, 9)))] = value
            case 4 if isinstance(place, dict):
                place[draw(st.sampled_from(keys()))] = place.pop(name)
            case _ if isinstance(place, list):
                place.insert(name, value)
    return tree


@st.composite
def studies(draw: Callable[..., Any]) -> Any:
    return mutated(draw, draw(st.sampled_from(samples())))


@st.composite
def configurations(draw: Callable[..., Any]) -> Any:
    return mutated(draw, yaml.safe_load((ROOT / "config.yaml").read_text()))


TOKENS = st.lists(
    st.sampled_from(
        [
            *"x+-*/()^,.09e",
            "**",
            "sin",
            "cos",
            "log",
            "sqrt",
            "sign",
            "floor",
            "pi",
            " ",
            "-1",
            "0.5",
            "1e308",
            "1e-308",
            "9" * 30,
            "x.real",
            "lambda x: x",
            "[x]",
            "x if x else x",
            "1j",
            "'x'",
            "tan(",
            "abs(",
            "arcsin(",
            "x**-1",
        ]
    ),
    max_size=25,
).map("".join)
FORMULAS = st.one_of(TOKENS, st.text(max_size=40))
TEMPLATES = st.one_of(
    st.lists(
        st.sampled_from(
            [
                "{{",
                "}}",
                "{%",
                "%}",
                "{%#",
                "#%}",
                " ",
                "\n",
                '"fit"',
                '"loss"',
                "'",
                "(",
                ")",
                ",",
                "|",
                ".",
                "[",
                "]",
                "~",
                "experiment",
                "figure",
                "claims",
                "value",
                "setting",
                "ref",
                "call",
                "endcall",
                "for i in",
                "endfor",
                "if 1",
                '{{ experiment("fit") }}',
                '{% call experiment("fit") %}',
                "{% endcall %}",
                '{% for i in ["fit"] %}',
                "i",
                "{% endfor %}",
                "{{ i }}",
                "{{ value(i) }}",
                "9**9**9",
                "range(10**9)",
                "__class__",
                "''",
                "{% raw %}",
                "*",
                "{% endraw %}",
                "{% macro m() %}",
                "{% endmacro %}",
                "{% set x = 1 %}",
                "{% include 'x' %}",
                "**",
                "é",
                "\0",
            ]
        ),
        max_size=25,
    ).map("".join),
    st.text(max_size=60),
)
YAML = st.one_of(
    st.lists(
        st.sampled_from(
            [
                *"abc:-?[]{}&*!|>%@`#'\"\n,\t~0",
                ": ",
                "- ",
                "\n  ",
                "&a ",
                "*a",
                "<<: ",
                "!!int ",
                "!!python/name:os.x ",
                "---\n",
                "0x",
                "1:1",
                ".inf",
                "2020-01-01",
                "9" * 5000,
                "0b2",
                "null",
                "yes",
                "? ",
                "\r",
                "\ufeff",
                "[" * 60,
                "é",
            ]
        ),
        max_size=40,
    ).map("".join),
    st.binary(max_size=60),
)


@cache
def project() -> Path:
    """A folder with all that a plan reads but the study."""
    folder = Path(tempfile.mkdtemp(prefix="hwcore-fuzz-"))
    for name in ("hwcore", "workflow_scripts"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "report").mkdir()
    for path in (ROOT / "report").iterdir():
        if path.is_file():
            (folder / "report" / path.name).symlink_to(path)
    (folder / "report/s").mkdir()
    (folder / "report/s/report.md").write_text("Prose.\n")
    code = Code(ROOT)
    # the sources are read once, and not for each input
    hwcore.plan.Code = lambda *_: code  # type: ignore[misc, assignment]
    return folder


def configuration() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text())
    return {**values, "studies": ["s"]}


@given(studies(), st.sampled_from(["quick", "standard", "full"]))
@few
def test_study(study: Any, scale: str) -> None:
    folder = project()
    try:
        text = yaml.dump(study, allow_unicode=True)
    except yaml.YAMLError:
        return
    (folder / "report/s/study.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
    with told(folder):
        plan = Plan(parse({**configuration(), "scale": scale}, ["config.yaml"]), tex=False, root=folder)
        assert all(len(job.fingerprint) == 64 for job in plan.jobs.values())
        names = [name for job in plan.jobs.values() for name in (job.name, *map(str, job.outputs.values()))]
        assert all(re.fullmatch(r"[\w./-]+", name) and ".." not in name for name in names)


@given(YAML)
@few
def test_yaml(text: str | bytes) -> None:
    path = project() / "report/s/any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    with told(project()):
        source.read(path)


@given(configurations())
@few
def test_configuration(values: Any) -> None:
    if isinstance(values, dict):
        with told(project()):
            parse({str(key): value for key, value in values.items()}, ["config.yaml"])


@given(FORMULAS, st.sampled_from([(-1, 1), (-1e300, 1e300), (0, 1e-300), (2, 3)]))
@few
def test_formula(text: str, domain: tuple[float, float]) -> None:
    try:
        data = FunctionData.model_validate({"function": text, "domain": domain, "samples": 9, "test_samples": 9})
        formula.check(data)
    except ValueError:
        return
    with told(project()), np.errstate(all="ignore"):
        read, arrays = formula.parse(text), {name: getattr(np, name) for name in formula.FUNCTIONS}
        assert notation.write(read)
        for x in map(float, (*domain, 0)):
            if domain[0] <= x <= domain[1]:
                exact = read.function(formula.FUNCTIONS)(x)
                found = read.function(arrays)(np.array([x]))
                assert math.isclose(np.broadcast_to(found, 1)[0], exact, rel_tol=1e-6, abs_tol=1e-300)


@given(TEMPLATES)
@few
def test_template(text: str) -> None:
    path = project() / "report/s/page.md"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")

    def experiment(id: str, *, caller: Callable[[], str] | None = None) -> str:
        return id + (caller() if caller else "")

    def figure(first: str, second: str | None = None) -> str:
        return f"{first}{second}"

    def claims() -> str:
        return "claims"

    def value(claim: str) -> str:
        return claim

    with told(project()):
        assert isinstance(fill(path, {each.__name__: each for each in (experiment, figure, claims, value)}), str)
