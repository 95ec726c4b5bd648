"""What the plan finds in the prose of a page is what the page asks for."""

from pathlib import Path

import pytest

from hwcore.errors import HwcoreError
from hwcore.reporting.template import read, settings_named, works_cited
from hwcore.reporting.words import bracketed


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{{ setting('fit', 'lr') }}", [(1, "fit", "lr")]),
        ('{{ setting ( "fit" ,\n"lr", ) }}', [(1, "fit", "lr")]),
        ("{%# {{ setting('old', 'lr') }}\n#%}\n{{ setting('fit', 'lr') }}", [(3, "fit", "lr")]),
        (
            "{% for id in ['a', 'b'] %}\n{{ setting(id, 'lr') }}\n{% endfor %}",
            [(2, "a", "lr"), (2, "b", "lr")],
        ),
        (
            '{%- for key in ["lr"] -%}{{ setting("fit", key) }}{% endfor %}{% for key in ["epochs"] %}'
            '{{ setting("fit", key) }}{% endfor %}',
            [(1, "fit", "lr"), (1, "fit", "epochs")],
        ),
        ("a setting (of the fit) and `resetting('fit', 'lr')`", []),
    ],
)
def test_settings_are_found_as_jinja_reads_them(text: str, named: list[tuple[int, str, str]]) -> None:
    assert list(settings_named(text)) == named


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("see [@li2018; @zhang2017, p. 3]", ["li2018", "zhang2017"]),
        ("as @zhang2017: they say, and @smith.2020.", ["zhang2017", "smith.2020"]),
        ("[@DBLP:conf/cvpr/HeZRS16]", ["DBLP:conf/cvpr/HeZRS16"]),
        ("[@{a b]} and [@{a-(b)}]", ["a-(b)"]),
        ("someone@example.org and `@code`", []),
        ("```python\n@dataclass\n```\n@li2018", ["li2018"]),
        ("~~~~\n@a\n~~~\n@b\n~~~~~\n@li2018", ["li2018"]),
        ("  ```\n@a\n", []),
    ],
)
def test_citations_are_found_as_pandoc_reads_them(text: str, keys: list[str]) -> None:
    assert [key for _, key in works_cited(text)] == keys


def test_a_template_is_utf_8_with_or_without_a_mark(tmp_path: Path) -> None:
    template = tmp_path / "report.md"
    template.write_bytes("\ufeff## Größe".encode())
    assert read(template) == "## Größe"
    template.write_bytes("## Größe".encode("latin-1"))
    with pytest.raises(HwcoreError, match=r"report.md: must be saved as UTF-8"):
        read(template)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Loss on [−1, 1] [@li2018].", "Loss on [−1, 1] [@li2018]."),
        ("Loss on [0, 1).", "Loss on \\[0, 1)."),
        ("Loss on (0, 1] and [2, 3].", "Loss on (0, 1\\] and [2, 3]."),
        ("Loss on \\[0, 1).", "Loss on \\[0, 1)."),
    ],
)
def test_a_bracket_without_a_counterpart_is_escaped(text: str, shown: str) -> None:
    assert bracketed(text) == shown
