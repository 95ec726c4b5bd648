"""A study file of a stranger: what is too large, too deep or no study is told in a line, at once."""

import time
from pathlib import Path

import pytest

from conftest import ROOT
from hwcore.errors import HwcoreError
from hwcore.studies.source import read

LAUGHS = "a0: &a0 [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 40)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 30)}], k{i}: 1}}\n" for i in range(1, 30)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 200_000, "1: is not valid YAML: lists and mappings are more than 50 deep"),
        ("- " * 200_000, "1: is not valid YAML: lists and mappings are more than 50 deep"),
        ("? " * 200_000, "1: is not valid YAML: lists and mappings are more than 50 deep"),
        ("[" * 60 + "]" * 60, " lists and mappings are more than 50 deep"),
        (LAUGHS, " there are more than 50,000 values, aliases written out"),
        (MERGES, ":.*there are more than 50,000 values, aliases written out"),
        ("a: b: c", "1: is not valid YAML: mapping values are not allowed in this context; a text with a colon in it"),
        ("a: 1\n\tb: 2", "2: is not valid YAML: .* a tab character .*; lines are indented by spaces"),
        ("{a: 1, b: 2", "2: is not valid YAML: did not find expected ',' or '}'; a bracket is not closed"),
        ("a: &a [*a]", " is not valid YAML: an alias stands within what it stands for"),
        ("a: &a {b: *a}", " is not valid YAML: an alias stands within what it stands for"),
        ("x" * (2**20 + 1), " is larger than a study can be, 1 MiB"),
        (
            f"a: 1\nb: {'1' * 5000}",
            "2: is not valid YAML: '1111111111111111111111111111111111111111' is not of the type int",
        ),
        ("a: !!float x", "1: is not valid YAML: 'x' is not of the type float"),
        ("a: !!int", "1: is not valid YAML: '' is not of the type int"),
        ("a: !!bool x", "1: is not valid YAML: 'x' is not of the type bool"),
        ("a: !!python/object/apply:os.system [id]", "1: is not valid YAML: the type .*os.system' is not known"),
        ("a: !!binary aGk=", "1: is not valid YAML: the type .*binary' is not known"),
        ("a: !!set {b}", "1: is not valid YAML: the type .*set' is not known"),
        ("a: !own b", "1: is not valid YAML: the type '!own' is not known"),
        ("a: 1\n---\nb: 2", "2: is not valid YAML"),
        ("a: \0", " is not valid YAML: cannot be read"),
        ("? [a]\n: b", "1: is not valid YAML: found unhashable key"),
    ],
)
def test_a_file_that_is_no_study(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    started = time.process_time()
    with pytest.raises(HwcoreError, match=says) as error:
        read(path)
    assert time.process_time() - started < 1
    assert str(error.value).startswith(f"{path}:")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


def test_what_studies_use_of_yaml(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("""
base: &base {lr: 0.1, flag: yes, none: ~}
more: {<<: *base, lr: 1e-3, when: 2024-01-31, hex: 0x10, words: "x"}
list: [*base, .inf, 1:30]
""")
    base = {"lr": 0.1, "flag": True, "none": None}
    assert read(path) == {
        "base": base,
        "more": {**base, "lr": "1e-3", "when": "2024-01-31", "hex": 16, "words": "x"},
        "list": [base, float("inf"), 90],
    }


@pytest.mark.parametrize("study", sorted(path.parent.name for path in ROOT.glob("report/*/study.yaml")))
def test_studies_are_far_from_all_limits(study: str) -> None:
    path = ROOT / "report" / study / "study.yaml"
    assert path.stat().st_size < 2**20 / 10
    assert read(path)
