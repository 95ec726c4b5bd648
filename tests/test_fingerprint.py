"""What counts as a change of code or settings, and what does not."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from conftest import ROOT
from hwcore.claims.spec import MEASURES, RULES, Claim
from hwcore.errors import HwcoreError
from hwcore.fingerprint import PLUMBING, Code, digest, plain
from hwcore.nets.spec import layer_kinds, module_of
from hwcore.plan import Plan
from hwcore.studies.kinds import ANALYSES, FIGURES, LAYERS
from hwcore.train.spec import RunSpec, Training


def test_a_figure_depends_on_its_own_module_and_on_no_other_kind() -> None:
    code = Code(ROOT)
    modules = code.modules("workflow_scripts/figure.py", ("hwcore.figures.curves",))
    assert {"hwcore", "hwcore.figures.curves", "hwcore.figures.style", "hwcore.jobs"} <= set(modules)
    assert not {"hwcore.figures.capacity", "hwcore.train.train", "hwcore.studies.study"} & set(modules)
    trained = code.modules("workflow_scripts/train.py")
    assert {"hwcore.train.optimizers", "hwcore.nets.network", "hwcore.data.load"} <= set(trained)
    assert not [name for name in trained if name.startswith(("hwcore.figures", "hwcore.claims", "hwcore.analyses"))]


def test_what_is_left_out_as_plumbing_computes_nothing() -> None:
    """It may import no module that does, or a change of that one would go unseen."""
    code = Code(ROOT)
    for name in PLUMBING:
        path = ROOT / f"{name.replace('.', '/')}.py"
        assert path.is_file(), name
        packages = {name.rpartition(".")[0] for name in PLUMBING} | {"hwcore"}
        # the class of all specifications decides nothing that is not in them
        assert set(code.modules(str(path))) <= PLUMBING | packages | {"hwcore.spec"}, name
    for package in ("hwcore", "hwcore/nets", "hwcore/train"):
        assert not (ROOT / package / "__init__.py").read_text()


def package(folder: Path, text: str) -> str:
    (folder / "script.py").write_text(text)
    return Code(folder).digest("script.py")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("x = 1\n", "x = 1  # why\n", True),
        ("x = [1, 2]\n", "x = [\n    1,\n    2,\n]\n", True),
        ("x = 'a'\n", 'x = "a"\n', True),
        ("x = 1\r\n", "x = 1\n", True),
        ("def f():\n    'said'\n    return 1\n", "def f():\n    'otherwise'\n    return 1\n", True),
        ("def f():\n    return 'said'\n", "def f():\n    return 'otherwise'\n", False),
        ("x = 1\n", "x = 1.0\n", False),
        ("x = 1\n", "x = True\n", False),
        ("x = 1\n", "x = '1'\n", False),
        ("x = None\n", "x = 0\n", False),
        ("x = a - b\n", "x = b - a\n", False),
        ("x = a + b\n", "x = a - b\n", False),
        ("f(x=1, y=2)\n", "f(y=2, x=1)\n", False),
        ("async def f(): pass\n", "def f(): pass\n", False),
        # the text of errors and log lines
        ("raise HwcoreError(f'{a}: no')\n", "raise HwcoreError(f'no: {a} and {b}') from None\n", True),
        ("raise ValueError('no')\n", "raise ValueError('never')\n", True),
        ("raise HwcoreError('no')\n", "raise ValueError('no')\n", False),
        ("raise OSError(1, 'no')\n", "raise OSError(2, 'no')\n", False),
        ("if a: raise HwcoreError('no')\n", "if b: raise HwcoreError('no')\n", False),
        ("log.info('at %d', a)\n", "log.warning('reached %d of %d', a, b)\n", True),
        ("log.info('at %d', a)\n", "f('at %d', a)\n", False),
        ("x = log.info(1)\n", "x = log.info(2)\n", False),
        # what a specification says of its settings, whose values are in the spec of each job
        ("class A(BaseModel):\n    a: int\n", "class A(BaseModel):\n    a: float = 1.0\n    b: int = 0\n", True),
        ("class A(_Spec):\n    a: int\n", "class A(_Spec):\n    a: int\n    b: int = 0\n", True),
        (
            "class A(_Spec):\n    a: int\n    @model_validator(mode='after')\n    def f(self): return 1\n",
            "class A(_Spec):\n    a: int\n",
            True,
        ),
        ("class A(_Spec):\n    def f(self): return 1\n", "class A(_Spec):\n    def f(self): return 2\n", False),
        # but not what all of its class have in common
        ("class A(_Spec):\n    a: ClassVar[int] = 1\n", "class A(_Spec):\n    a: ClassVar[int] = 2\n", False),
        ("class A(_Spec):\n    a: t.ClassVar[int] = 1\n", "class A(_Spec):\n    a: t.ClassVar[int] = 2\n", False),
        # how study files and pages write it changes no result
        ("class A(_Spec):\n    words: ClassVar = 'x'\n", "class A(_Spec):\n    words: ClassVar = 'y'\n", True),
        ("class A:\n    a: int = 1\n", "class A:\n    a: int = 2\n", False),
        ("class A(_Spec): pass\n", "class A(Other): pass\n", False),
    ],
)
def test_what_counts_as_a_change(tmp_path: Path, first: str, second: str, same: bool) -> None:
    assert (package(tmp_path, first) == package(tmp_path, second)) == same


@pytest.mark.parametrize("kind", sorted({module_of(kind) for kind in layer_kinds()}))
def test_a_new_setting_of_a_layer_is_no_change(tmp_path: Path, kind: str) -> None:
    text = (ROOT / f"hwcore/nets/specs/{kind}.py").read_text()
    more = text.replace("    kind: Literal[", '    new: int = Field(3, description="new")\n    kind: Literal[')
    assert more != text
    assert package(tmp_path, more) == package(tmp_path, text)


def test_what_was_learnt_of_a_source_is_kept_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, script = tmp_path / "memory.json", tmp_path / "script.py"
    script.write_text("x = 1\n")
    code = Code(tmp_path, memory)
    first = code.digest("script.py")
    code.save()
    with monkeypatch.context() as patch:
        patch.setattr(Code, "_parse", None)
        assert Code(tmp_path, memory).digest("script.py") == first
    script.write_text("x = 2\n")
    assert Code(tmp_path, memory).digest("script.py") != first
    script.write_text("x = 1\n")
    for useless in ("", "[]", '{"version": 1}', '{"version": ' + json.dumps(code._version) + ', "sources": [1]}'):
        memory.write_text(useless)
        assert Code(tmp_path, memory).digest("script.py") == first


def test_imports_for_the_type_checker_are_none(tmp_path: Path) -> None:
    (tmp_path / "hwcore").mkdir()
    for name in ("__init__", "a", "b"):
        (tmp_path / f"hwcore/{name}.py").write_text("")
    (tmp_path / "script.py").write_text(
        "if TYPE_CHECKING:\n    from hwcore import a\n\n\ndef f():\n    from hwcore.b import x\n"
    )
    assert Code(tmp_path).modules("script.py") == ["hwcore", "hwcore.b"]


def test_a_module_that_is_not_valid_python_is_told(tmp_path: Path) -> None:
    with pytest.raises(HwcoreError, match=r"^script.py: line 2 is not valid Python: "):
        package(tmp_path, "x = 1\ndef (:\n")


@given(
    st.recursive(
        st.integers() | st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
@settings(max_examples=50, deadline=None)
def test_a_digest_tells_values_apart(value: object) -> None:
    assert digest(value) == digest(value)
    assert digest(value) != digest([value])


def test_a_setting_at_its_default_is_as_if_it_did_not_exist() -> None:
    least = {"optimizer": "sgd", "lr": 0.1, "loss": "mse", "epochs": 3, "batch_size": "full"}
    spec = Training.model_validate(least)
    assert plain(spec, defaults=False) == least
    assert plain({"a": [spec]}, defaults=False) == {"a": [least]}
    assert plain(spec).items() > {**least, "weight_decay": 0.0, "scheduler": None, "shuffle": True}.items()
    other = Training.model_validate({**least, "momentum": 0.9})
    assert plain(other, defaults=False) == {**least, "momentum": 0.9}


def models(kind: object) -> set[type[BaseModel]]:
    """A specification and all in its fields."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        inner = [models(field.annotation) for field in kind.model_fields.values()]
        return {kind}.union(*inner)
    return set().union(*map(models, get_args(kind)))


def test_no_default_changes() -> None:
    """Fingerprints leave out what is at its default, so a default that changed would leave stale results.

    A new setting is added to defaults.json.  Instead of changing a default, give the setting a new name.
    """
    claims = (Claim, *MEASURES.values(), *RULES.values())
    studies = (*ANALYSES.values(), *FIGURES.values(), *LAYERS.values())
    kinds = set().union(*map(models, (RunSpec, *studies, *claims)))
    defaults = {
        f"{kind.__module__}.{kind.__name__}.{name}": plain(field.default)
        for kind in kinds
        for name, field in kind.model_fields.items()
        if not field.is_required()
    }
    assert dict(sorted(defaults.items())) == json.loads((ROOT / "tests/defaults.json").read_text())


def test_an_input_without_a_maker_is_an_error() -> None:
    plan = Plan.__new__(Plan)
    plan.__dict__.update(_makers={}, jobs={})
    with pytest.raises(ValueError, match=re.escape("figure a: no job makes the input results/lost.parquet")):
        plan._add("s", "figure", "a", spec={}, inputs={"table": Path("results/lost.parquet")}, outputs={})


@pytest.mark.parametrize(("rule", "same"), [("download", True), ("prepare", False)])
def test_how_data_are_fetched_decides_nothing(tmp_path: Path, rule: str, same: bool) -> None:
    fingerprints = set()
    for line in ("", "CHANGED = 1\n"):
        scripts = tmp_path / "workflow_scripts"
        scripts.mkdir(exist_ok=True)
        (scripts / f"{rule}.py").write_text(line)
        plan = Plan.__new__(Plan)
        plan.__dict__.update(_makers={}, jobs={}, results=tmp_path, code=Code(tmp_path))
        fingerprints.add(plan._add("data", rule, "mnist", spec={}, outputs={}).fingerprint)
    assert len(fingerprints) == (1 if same else 2)
