"""Formulas of functions of one variable: their values, what is refused, and how pages write them."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.parsing import sympy_parser

from conftest import ROOT
from hwcore.config import parse as parse_config
from hwcore.data import functions
from hwcore.data.formula import CONSTANTS, FUNCTIONS, check, even, parse
from hwcore.data.notation import write
from hwcore.data.spec import FunctionData
from hwcore.data.variance import variance
from hwcore.description import describe
from hwcore.errors import HwcoreError
from hwcore.plan import Plan
from hwcore.studies.study import load

SINC = "sin(5*pi*x)/(5*pi*x)"


def data(function: str, **settings: Any) -> FunctionData:
    said = {"domain": [-1, 1], "samples": 300, "test_samples": 1000, **settings}
    return FunctionData.model_validate({"function": function, **said})


@pytest.mark.parametrize(
    ("formula", "before"),
    [
        # the functions of the two studies as hwcore computed them when they had names
        ("cos(x)", np.cos),
        ("arcsinh(x)", np.arcsinh),
        ("sign(sin(5*pi*x))", lambda x: np.sign(np.sin(5 * np.pi * x))),
        ("sign(sin(10*pi*x))", lambda x: np.sign(np.sin(10 * np.pi * x))),
        ("sin(3*pi*x)", lambda x: np.sin(3 * np.pi * x)),
        ("sin(5*pi*x)", lambda x: np.sin(5 * np.pi * x)),
        ("sin(x)+cos(x)", lambda x: np.sin(x) + np.cos(x)),
        ("2*cosh(x)", lambda x: 2 * np.cosh(x)),
    ],
)
def test_the_functions_of_the_studies_keep_every_bit(formula: str, before: Any) -> None:
    x = np.concatenate([np.linspace(-10, 10, 1001), np.random.default_rng(0).uniform(-10, 10, 1000)])
    assert np.array_equal(functions.values(data(formula, domain=[-10, 10]), x), before(x))


def test_the_cardinal_sine_is_that_of_numpy_in_float32() -> None:
    """np.sinc multiplies in another order, so that the last bit of float64 may differ; networks see float32."""
    spec = data(SINC, at={0: 1})
    (x, y), (test_x, test_y) = functions.sample(spec, "s", "e").values()
    for inputs, outputs in ((x, y), (test_x, test_y)):
        np.testing.assert_allclose(outputs, np.sinc(5 * inputs), rtol=0, atol=4 * np.finfo(float).eps)
    assert np.array_equal(y.astype(np.float32), np.sinc(5 * x).astype(np.float32))
    assert functions.values(spec, np.array([0.0, 0.2])).tolist() == pytest.approx([1, 0], abs=1e-15)


def trees() -> st.SearchStrategy[str]:
    atoms = st.sampled_from(["x", "x", *CONSTANTS]) | st.integers(0, 12).map(str) | st.sampled_from(["0.5", "1.25"])

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        binary = st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]}){t[1]}({t[2]})")
        calls = st.tuples(st.sampled_from([*FUNCTIONS]), inner).map(lambda t: f"{t[0]}({t[1]})")
        powers = st.tuples(inner, st.sampled_from(["2", "3", "-1"])).map(lambda t: f"({t[0]})**{t[1]}")
        return binary | calls | powers | inner.map(lambda t: f"-({t})")

    return st.recursive(atoms, larger, max_leaves=6)


def sympy_value(text: str, x: float) -> complex:
    names = {
        **{"x": sympy.Float(x, 50), "pi": sympy.pi, "e": sympy.E, "abs": sympy.Abs, "sgn": sympy.sign},
        **{name: getattr(sympy, f"a{name.removeprefix('arc')}") for name in FUNCTIONS if name.startswith("arc")},
    }
    names["sign"] = sympy.sign
    transformations = (*sympy_parser.standard_transformations, sympy_parser.implicit_multiplication_application)
    return complex(sympy_parser.parse_expr(text, local_dict=names, transformations=transformations).evalf(30))


# where a step is, the last bit decides
STEPS = ("floor", "sign")


@given(trees().filter(lambda text: not any(step in text for step in STEPS)), st.sampled_from([-2.25, -0.5, 0.75, 3.0]))
@settings(max_examples=60, deadline=None)
def test_values_are_those_of_sympy(text: str, x: float) -> None:
    formula = parse(text)
    numpy = formula.function({name: getattr(np, name) for name in FUNCTIONS})
    try:
        with np.errstate(all="ignore"):
            array = np.broadcast_to(numpy(np.array([x])), (1,))
    except (ArithmeticError, ValueError):
        # a part without x is a plain number
        assert formula.gap([x]) is not None
        return
    if formula.gap([x]) is None:
        value = formula.function(FUNCTIONS)(x)
        assert float(array[0]) == pytest.approx(value, rel=1e-9, abs=1e-9)
        if abs(value) < 1e6:
            expected = sympy_value(text, x)
            assert value == pytest.approx(expected.real, rel=1e-6, abs=1e-6)
    else:
        # what float32 cannot hold has no value either
        assert not np.isfinite(array[0]) or abs(array[0]) > 1e38


@given(trees().filter(lambda text: not any(step in text for step in STEPS)), st.sampled_from([-2.25, 0.75, 3.0]))
@settings(max_examples=60, deadline=None)
def test_what_a_page_says_means_the_same(text: str, x: float) -> None:
    """SymPy reads the page's form, juxtaposition and all."""
    formula = parse(text)
    if formula.gap([x]) is not None or abs(formula.function(FUNCTIONS)(x)) > 1e6:
        return
    page = write(formula)
    superscripts = dict(zip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789", strict=True))
    read = ""
    for sign in page:
        if sign in superscripts:
            read += ("" if read.endswith(tuple("-0123456789")) and read[-3:-1] == "**" else "**") + superscripts[sign]
        else:
            read += {"π": " pi ", "−": "-", "·": "*", "√": " sqrt "}.get(sign, sign)
    read = read.replace("**-**", "**-")
    expected = sympy_value(read, x)
    assert formula.function(FUNCTIONS)(x) == pytest.approx(expected.real, rel=1e-6, abs=1e-6), page


@pytest.mark.parametrize(
    ("formula", "page"),
    [
        (SINC, "sin(5πx)/(5πx)"),
        ("sign(sin(5*pi*x))", "sgn(sin(5πx))"),
        ("arcsinh(x)", "arcsinh x"),
        ("cos(x)", "cos x"),
        ("2*cosh(x)", "2 cosh x"),
        ("sin(x)+cos(x)", "sin x + cos x"),
        ("exp(x)+exp(-x)", "exp x + exp(−x)"),
        ("x**2 - 3*x + 1", "x² − 3x + 1"),
        ("-x**-12", "−x⁻¹²"),
        ("cos(x)/2", "cos(x)/2"),
        ("x*sin(x)", "x·sin x"),
        ("(x+1)*(x-1)/(x*2)", "(x + 1)·(x − 1)/(x·2)"),
        ("x-(1-x)", "x − (1 − x)"),
        ("sqrt(abs(x))", "√(abs x)"),
        ("1.5e-7*x", "1.5·10⁻⁷x"),
        ("1e-7*x", "10⁻⁷x"),
        ("x**0.5", "x^0.5"),
        ("2*sin(x)/3", "2 sin(x)/3"),
        ("2*exp(x)**2", "2 exp(x)²"),
        ("x*sin(x)/2", "x·sin(x)/2"),
        ("2*sin(x)*x", "2 sin(x)·x"),
        ("2*cos(x)*3", "2 cos(x)·3"),
        ("x/(2*sin(x))", "x/(2 sin x)"),
        ("2*sin(x)+1", "2 sin x + 1"),
    ],
)
def test_how_a_page_writes_a_formula(formula: str, page: str) -> None:
    assert write(parse(formula)) == page


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("cosine(x)", "unknown name 'cosine'"),
        ("sine(x)", r"unknown name 'sine'; did you mean `sin`\?"),
        ("cos(y)", "unknown name 'y'"),
        ("cos", r"cos is a function; write cos\(…\)"),
        ("cos x", "is not a formula; write it like"),
        ("5x", r"'5x' is not a formula; write 5\*x… for a product"),
        ("sin(3 x)", r"write 3\*x… for a product"),
        ("2(x+1", r"write 2\*\(… for a product"),
        ("x +", "is not a formula; write it like"),
        ("x^2", r"a power is written with \*\*"),
        ("sin(x, 2)", "sin takes one argument"),
        ("sin()", "sin takes one argument"),
        ("sin(*x)", "cannot stand in a formula"),
        ("sin(x=x)", "sin takes one argument"),
        ("x.real", "'x.real' cannot stand in a formula"),
        ("__import__('os').system('true')", "cannot stand in a formula|takes one argument"),
        ("__import__(x)", "unknown name '__import__'"),
        ("(lambda: 1)()", "cannot stand in a formula"),
        ("[x for x in x]", "cannot stand in a formula"),
        ("x if x else 1", "cannot stand in a formula"),
        ("x > 1", "cannot stand in a formula"),
        ("x // 2", "cannot stand in a formula"),
        ("True", "cannot stand in a formula"),
        ("'x'", "cannot stand in a formula"),
        ("1j", "cannot stand in a formula"),
        ("1e999", "a number in it is too large"),
        ("9" * 301, "a formula of 301 characters is too long"),
        ("+".join("x" * 120), "has more than 100 parts"),
        ("9**9**9**9", r"has no value at x = -1 \(too large\)"),
        ("", "is not a formula"),
    ],
)
def test_what_is_not_a_formula_is_refused_in_one_line(formula: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        check(data(formula))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("formula", "settings", "says"),
    [
        (SINC, {}, r"has no value at x = 0 \(division by zero\); state one with `at: {0: …}`"),
        ("1/(x-0.5)", {}, r"x = 0\.5 \(division by zero\)"),
        ("log(x)", {}, r"x = -1 \(outside of where a function is defined\)"),
        ("x**0.5", {}, r"x = -1 \(outside of where a function is defined\)"),
        # of the size of a complex number, which NumPy has not
        ("abs(x**0.5)", {}, r"x = -1 \(outside of where a function is defined\)"),
        ("sin(x**0.5)", {}, r"x = -1 \(outside of where a function is defined\)"),
        ("exp(exp(10*x))", {}, r"\(too large\)"),
        # finite, but not in float32
        ("1e39*x", {}, r"x = -1 \(too large\)"),
        ("cos(x)", {"at": {0: 2}}, r"has a value at x = 0 of its own; remove it from `at` \(2\)"),
        (SINC, {"at": {0: -1e39}}, r"at: -1e\+39, the value at x = 0, is too large for float32"),
    ],
)
def test_a_formula_without_a_value_in_its_domain(formula: str, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check(data(formula, **settings))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"at": {2: 1}}, r"at: 2 lies outside of the domain \[-1, 1\]"),
        ({"sampling": "subset"}, "grid: goes with `sampling: subset`"),
        ({"grid": 2000}, "grid: goes with `sampling: subset`"),
        ({"sampling": "subset", "grid": 1299}, "grid: 1299 points are fewer than 300 training and 1000 test samples"),
    ],
)
def test_settings_of_a_function_that_cannot_be(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        data(SINC, **{"at": {0: 1}, **settings})


def test_a_grid_is_checked_at_the_very_points_that_numpy_gives_it() -> None:
    for low, high, count in ((0.1, 0.7, 13), (-1.0, 1.0, 300), (-1.5, 1.5, 301), (0.0, 0.8, 8001), (-1.0, 2.0, 1)):
        assert list(even(low, high, count)) == np.linspace(low, high, count).tolist()
        x = float(np.linspace(low, high, count)[count // 3])
        with pytest.raises(ValueError, match="division by zero"):
            check(data(f"1/(x-({x!r}))", domain=[low, high], samples=count, test_samples=2))


def test_what_is_drawn_at_random_is_checked_in_the_job() -> None:
    spec = data("log(x)", domain=[-1, 1], sampling="uniform")
    with pytest.raises(HwcoreError, match=r"data\.function: 'log\(x\)' has no finite value at x = -0\.\d+; state one"):
        functions.sample(spec, "s", "e")


def test_what_float32_cannot_hold_is_refused_in_the_job() -> None:
    with pytest.raises(HwcoreError, match=r"'1e39\*x' has no finite value at x = -?0\.\d+"):
        functions.sample(data("1e39*x", sampling="uniform"), "s", "e")


def test_the_variance_is_that_on_the_grid_that_is_checked() -> None:
    """0.35 is between two of its points, and would be one of them in another arithmetic."""
    spec = data("1/(x - 0.35)", domain=[0, 1])
    check(spec)
    assert variance(spec) > 0


def study(folder: Path, samples: str) -> None:
    (folder / "s").mkdir()
    (folder / "s/report.md").write_text("")
    (folder / "s/study.yaml").write_text(
        "title: T\nsource: {author: A, title: T, date: D}\nreplicates: 1\nexperiments:\n"
        f"  fit: {{section: '1', title: T, data: {{{samples}, samples: 9, test_samples: 9}},"
        " training: {optimizer: adam, lr: 0.1, loss: mse, epochs: 5, batch_size: full},"
        " models: {m: {label: M, mlp: [1, 1]}}}\n"
    )


def config() -> Any:
    return parse_config(yaml.safe_load((ROOT / "config.yaml").read_text()), ["config.yaml"])


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        ("function: cosine(x), domain: [-1, 1]", r"m\.data\.function: 'cosine\(x\)': unknown name 'cosine'"),
        ("function: 1/x, domain: [-1, 1]", r"m\.data\.function: '1/x' has no value at x = 0 \(division by zero\)"),
        ("function: 5, domain: [-1, 1]", r"m\.data\.function: 5 should be a text; put it in quotes"),
        ("function: x, domain: [-1, 1], at: {zero: 1}", r"m\.data\.at\.zero.*: 'zero' should be a valid number"),
    ],
)
def test_a_mistake_is_told_when_the_study_is_read(tmp_path: Path, samples: str, says: str) -> None:
    study(tmp_path, samples)
    with pytest.raises(HwcoreError, match=says):
        load("s", tmp_path, config())


def test_a_page_says_which_function_was_sampled_and_how(tmp_path: Path) -> None:
    study(tmp_path, f"function: {SINC}, at: {{0: 1}}, domain: [0, 0.8], sampling: subset, grid: 8001")
    found = load("s", tmp_path, config())
    page = describe(found, config(), {("fit", "m"): "runs/s/fit/m"})
    said = "sin(5πx)/(5πx) (1 at x = 0) on [0, 0.8], 9 samples on points drawn from an even grid of 8,001"
    assert page["experiments"][0]["settings"]["data"] == said


def test_reading_formulas_loads_neither_numpy_nor_torch() -> None:
    code = (
        "import sys, hwcore.data.formula, hwcore.plan; sys.exit(bool({'torch', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_values_at_stated_points_survive_the_plan(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    for name in ("hwcore", "workflow_scripts"):
        (tmp_path / name).symlink_to(ROOT / name)
    for path in (ROOT / "report").iterdir():
        if path.is_file():
            (tmp_path / "report" / path.name).write_bytes(path.read_bytes())
    study(tmp_path / "report", f"function: {SINC}, at: {{0: 1}}, domain: [-1, 1]")
    plan = Plan(config(), tex=False, root=tmp_path)
    spec = FunctionData.model_validate(plan.job("train", "s/fit/m").spec["data"])
    assert spec.at == {0.0: 1.0}
    assert math.isclose(functions.values(spec, np.zeros(1))[0], 1)
