"""Pages whose study has another author: nothing of it reads a file, runs in a browser or is code for TeX or Typst."""

import re
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT
from hwcore.errors import HwcoreError
from hwcore.reporting.pandoc import pandoc
from hwcore.reporting.pdf import to_pdf
from hwcore.reporting.printing import to_print


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("![](/etc/hostname)", "the picture '/etc/hostname'; only figures of the results can be shown"),
        ("![](../figures/../../secret.svg)", "the picture"),
        ("![](https://example.org/x.png)", "the picture"),
        ("[x]{src=/etc/hostname}", "the attribute 'src', which has no meaning here"),
        ('<span data-src="/etc/hostname">x</span>', "the attribute 'data-src'"),
        ('<div data-background-image="/etc/hostname">\n\nx\n\n</div>', "the attribute 'data-background-image'"),
        ('[x]{onclick="alert(1)"}', "the attribute 'onclick'"),
        ('[x]{style="background: url(https://example.org)"}', "the attribute 'style'"),
        ('[x]{typst:fill="read(1)"}', "the attribute 'typst:fill'"),
        ("[x](javascript:alert)", "a link to 'javascript:alert'; a link begins with https, http or mailto"),
        ("[x](data:text/html,x)", "a link to"),
        ('<span class="verdict }\\input{x}">x</span>', "the class"),
        ("$\\input{/etc/hostname}$", r"the formula \$\\input{/etc/hostname}\$, which cannot be read"),
        ("$\\write18{id}$", "the formula"),
        ("$^^5cinput{x}$", r"\^\^ cannot stand in a formula"),
        ("$x\\label{\\input{x}}$", "label cannot stand in a formula"),
        ("$x%\n\\input{x}$", "% cannot stand in a formula"),
        ("$$\\def\\a{b}\\a$$", "the formula"),
        ("---\ncsl: /etc/hostname\n---\n", "a block of settings with 'csl'"),
        ("x\n\n---\nheader-includes: y\n---\n", "a block of settings with 'header-includes'"),
    ],
)
def test_what_a_page_may_not_hold_is_told(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(HwcoreError, match=says) as error:
        pandoc(text, "--to=html5", "--mathml", "--embed-resources", folder=tmp_path)
    assert "\n" not in str(error.value)


def test_code_of_another_form_is_text(tmp_path: Path) -> None:
    text = (
        'A <script>alert(1)</script> and `\\input{x}`{=latex}, `#read("x")`{=typst} <img src=x onerror=y>\n\n'
        '```{=latex}\n\\input{x}\n```\n\n```{=html}\n<script></script>\n```\n\n\\input{x} #read("x") \\write18{id}\n\n'
        ':::: {.folded summary="<b>&"}\nx\n::::\n\n$\\frac{1}{2}\\%\\text{ of }\\mathcal{L}_{\\mathrm{train}}$\n'
    )
    html = pandoc(text, "--to=html5", "--mathml", folder=tmp_path)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "<summary>&lt;b>&amp;</summary>" in html
    (tmp_path / "page.md").write_text(text)
    latex = to_print(tmp_path / "page.md", "latex", folder=tmp_path)
    body = latex.partition("\\begin{document}")[2]
    assert body.count("\\input") == body.count("\\write18") == 0
    assert len(re.findall(r"textbackslash(?:\{\}| )(?:input|write)", body)) == 4
    typst = to_print(tmp_path / "page.md", "typst", folder=tmp_path)
    assert '\n#read("x")' not in typst.replace("\\#read", "")


def test_tex_starts_no_program(tmp_path: Path) -> None:
    """Even if something reached it."""
    source = tmp_path / "a.tex"
    source.write_text("\\documentclass{article}\\begin{document}\\immediate\\write18{touch made}x\\end{document}")
    to_pdf(source, tmp_path / "a.pdf")
    assert not (tmp_path / "made").exists()
    subprocess.run(["test", "-s", tmp_path / "a.pdf"], check=True)
