"""Pages in print: both engines set the same page whole, and what a study says is text in every format."""

import html
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import matplotlib.figure
import pytest
import typst as engine
import yaml

from conftest import ROOT, Project
from hwcore.claims.ledger import VERDICTS
from hwcore.errors import HwcoreError
from hwcore.figures.output import save
from hwcore.reporting import pdf, typst
from hwcore.reporting.html import to_html
from hwcore.reporting.latex import to_latex
from hwcore.reporting.printing import printed, to_print
from hwcore.reporting.template import works
from hwcore.workflow import Workflow

needs_pdflatex = pytest.mark.skipif(not shutil.which("pdflatex"), reason="there is no pdflatex here")
needs_poppler = pytest.mark.skipif(not shutil.which("pdftotext"), reason="there is no pdftotext here")
HEAD = "---\ntitle: A page\nlang: en\n---\n\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """results/quick/report, with figures beside it."""
    monkeypatch.chdir(ROOT)
    for name in ("one", "two"):
        figure = matplotlib.figure.Figure(figsize=(6, 3))
        figure.add_subplot().plot([1, 2])
        save(figure, tmp_path / "results/quick/figures" / name)
    made = tmp_path / "results/quick/report"
    made.mkdir()
    return made


def page(folder: Path, text: str, head: str = HEAD) -> Path:
    markdown = folder / "page.md"
    markdown.write_text(head + text)
    return markdown


def by_tex(markdown: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """The PDF that TeX makes, and the log of its last pass."""
    logs: list[str] = []
    run = pdf._run

    def logged(command: list[str], place: Path) -> "subprocess.CompletedProcess[str]":
        done = run(command, place)
        made = next(part.partition("=")[2] for part in command if part.startswith("-output-directory="))
        logs.extend(path.read_text(errors="replace") for path in Path(made).glob("*.log"))
        return done

    monkeypatch.setattr(pdf, "_run", logged)
    tex, output = markdown.with_suffix(".tex"), markdown.with_name("tex.pdf")
    to_latex(markdown, tex)
    pdf.to_pdf(tex, output)
    return output, logs[-1]


def by_typst(markdown: Path) -> Path:
    output = markdown.with_name("typst.pdf")
    typst.to_pdf(markdown, output)
    return output


def sources(text: str, folder: Path) -> tuple[str, str]:
    """A page as LaTeX and as Typst, without their preambles."""
    latex, typ = (to_print(page(folder, text), form, folder=folder) for form in ("latex", "typst"))
    return latex.partition("\\begin{document}")[2], typ


def told(file: Path) -> str:
    """The words of a PDF, with a space between any two."""
    done = subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True)
    return " ".join(done.stdout.split())


def squeezed(text: str) -> str:
    """Without the spaces, which readers of PDFs guess from distances."""
    return text.replace(" ", "")


def properties(file: Path) -> dict[str, str]:
    done = subprocess.run(["pdfinfo", str(file)], capture_output=True, text=True, check=True)
    pairs = (line.partition(":") for line in done.stdout.splitlines())
    return {key: value.strip() for key, _, value in pairs}


def assert_whole(log: str) -> None:
    """No character is missing, no reference is undefined, and nothing stands out by more than 10 points."""
    assert "Missing character" not in log
    assert not re.findall(r"undefined|multiply.defined", log)
    wide = [float(points) for points in re.findall(r"Overfull \\[hv]box \((\d+\.\d+)pt too", log)]
    assert [points for points in wide if points > 10] == []


@needs_pdflatex
def test_the_page_of_a_study_is_whole_in_both_engines(
    finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results/quick"
    shutil.copytree(finished.folder / "results/quick", results)
    monkeypatch.chdir(finished.folder)
    markdown = results / "report/tiny.md"
    _, log = by_tex(markdown, monkeypatch)
    assert_whole(log)
    first = by_typst(markdown).read_bytes()
    assert first.startswith(b"%PDF")
    assert first == by_typst(markdown).read_bytes()


def test_without_tex_the_report_has_a_pdf(finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = finished.clone(tmp_path / "clone")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "bash", "git", "python"):
        if program := shutil.which(name):
            (tools / name).symlink_to(program)
    monkeypatch.setenv("PATH", str(tools))
    assert not shutil.which("pdflatex")
    (clone.folder / "results/quick/report/tiny.pdf").unlink()
    clone.run("results/quick/report/tiny.pdf")
    assert (clone.folder / "results/quick/report/tiny.pdf").read_bytes().startswith(b"%PDF")
    assert b"Typst" in (clone.folder / "results/quick/report/tiny.pdf").read_bytes()


# what is written, and what print shows of it where that is something else
TEXTS = {
    "an <script>alert(1)</script> and x<y and y>z": "",
    "a &amp; b & c": "a & b & c",
    r"\input{/etc/passwd} \newcommand{\a}{b}": "",
    "it costs $5 or $6": "",
    "100 % of snake_case, #1, {x} ~ y": "",
    "#let x = 1, #image(1), @ home, <label>": "",
    "שלום": "[U+05E9 U+05DC U+05D5 U+05DD]",
    "a 🎉 b": "a [U+1F389] b",
    "Erdo\u0308s, Gödel": "Erdös, Gödel",
}


@needs_pdflatex
@needs_poppler
def test_what_a_study_says_is_text_in_every_format(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"**{text}**" for text in TEXTS]
    cells = "\n".join(f"| {text} | b |" for text in TEXTS)
    markdown = page(folder, "\n\n".join([f"## {text}\n\n{line}" for text, line in zip(TEXTS, lines, strict=True)]))
    markdown.write_text(markdown.read_text() + f"\n\n| a | b |\n|---|---|\n{cells}\n")
    printed, log = by_tex(markdown, monkeypatch)
    assert_whole(log)
    to_html(markdown, folder / "page.html")
    shown = " ".join(html.unescape(re.sub(r"<[^>]*>", "", (folder / "page.html").read_text())).split())
    tex, typ = squeezed(told(printed)), squeezed(told(by_typst(markdown)))
    for written, instead in TEXTS.items():
        # in the contents, as heading, in the text and in a table
        assert tex.count(squeezed(instead or written)) >= 4, written
        assert typ.count(squeezed(instead or written)) >= 4, written
        said = instead if written.isascii() else ""
        assert shown.count(said or written) >= 3, written


@needs_pdflatex
@needs_poppler
def test_title_authors_abstract_and_properties(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = (
        "---\ntitle: 'On x & 50 % <y>'\nsubtitle: 'Again'\nauthor: ['Ann B. C', 'D & E']\ndate: 'May 2020'\n"
        "abstract: |\n  Some *finding* of 5 %.\n\n  Another.\nbanner: 'scale a_b & c'\nlang: en\n---\n\n"
    )
    markdown = page(folder, "## 1 One\n\ntext\n\n## 2 Two\n\ntext\n", head)
    printed, log = by_tex(markdown, monkeypatch)
    assert_whole(log)
    for file, authors in ((printed, "Ann B. C; D & E"), (by_typst(markdown), "Ann B. C, D & E")):
        text = told(file)
        for part in ("On x & 50 % <y>", "Again", "May 2020", "Abstract", "Some finding of 5 %.", "scale a_b & c"):
            assert part in text
        # the numbers that the study gives to its sections, and no others
        assert re.search(r"Contents.* 1 One\b.*(?<!\d )2 Two", text)
        said = properties(file)
        assert said["Title"] == "On x & 50 % <y>"
        assert said["Author"] == authors
        assert said["Keywords"] == "deep learning, reproducibility"
    assert properties(by_typst(markdown))["Tagged"] == "yes"


def candidates() -> list[str]:
    return [chr(code) for code in range(0xA1, 0x2800) if chr(code).isprintable()]


@needs_pdflatex
def test_every_character_that_print_has_is_in_the_fonts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    characters = [each for each in candidates() if printed(each) == each]
    assert {*"éőαπ∇≤→−✓⁻₂√ℝ"} <= {*characters}
    assert not {*"ש日ﬁ"} & {*characters}
    _, log = by_tex(page(folder, "\n\n".join(f"x{each}x" for each in characters)), monkeypatch)
    assert_whole(log)
    # a font without a glyph draws the same box for each
    size = '#set page(width: 30pt, height: 20pt, margin: 3pt)\n#set text(font: "New Computer Modern", size: 10pt)\n'
    pages = "#pagebreak()".join(f'#"{each}"' for each in ["\ue000", *characters])
    box, *drawn = engine.compile((size + pages).encode(), format="png", ppi=72, ignore_system_fonts=True)
    assert [each for each, image in zip(characters, drawn, strict=True) if image == box] == []


VARIANTS = """
<div class="variants">

<div class="figure" id="figure-fit-loss">

![**Figure 1 (a).** As described.](../figures/one.svg)

<div class="source">

Data: [table](../tables/a.parquet)

</div>

</div>

<div class="figure">

![**Figure 1 (b).** Corrected.](../figures/two.svg)

</div>

</div>

See [Figure 1](#figure-fit-loss).

![**Figure 2.** Another.](../figures/one.svg)

<div class="source">

Data: [other](../tables/b.parquet)

</div>
"""


@needs_pdflatex
def test_variants_stand_side_by_side_and_links_find_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    latex, typ = sources(VARIANTS, folder)
    assert latex.count("\\begin{figure}") == typ.count("#floating(") == 2
    assert latex.count("\\begin{variant}") == 2
    assert "#floating(2)" in typ
    # the line with the sources stays with its figure
    for source in re.findall(r"\\begin\{figure\}.*?\\end\{figure\}", latex, re.DOTALL):
        assert "Data:" in source
    assert "Figure 3" not in latex
    markdown = page(folder, VARIANTS)
    printed, log = by_tex(markdown, monkeypatch)
    assert_whole(log)
    if shutil.which("pdftotext"):
        for file in (printed, by_typst(markdown)):
            assert re.search(r"Figure 1 \(a\)\. As described\. +Figure 1 \(b\)\. Corrected", told(file))


def test_variants_that_stand_apart_have_the_width_of_the_page(folder: Path) -> None:
    latex, typ = sources(VARIANTS.replace('variants">', 'variants wide">', 1), folder)
    assert latex.count("\\begin{figure}") == typ.count("#floating(1)") == 3
    assert "{variant}" not in latex


def test_a_link_to_what_a_template_left_out_is_text(folder: Path) -> None:
    text = "See [the fit](#experiment-fit), [here](#here) and [it](#figure-x).\n\n## Here {#here}\n\nText."
    latex, typ = sources(text, folder)
    assert "See the fit" in " ".join(latex.split())
    assert "experiment-fit" not in latex + typ
    assert "#link(<here>)" in typ
    by_typst(page(folder, text))


@needs_pdflatex
@pytest.mark.skipif(not shutil.which("pdftotext"), reason="needs pdftotext")
def test_a_third_variant_stands_below_the_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    third = '<div class="figure">\n\n![**Figure 1 (c).** As run.](../figures/two.svg)\n\n</div>\n\n</div>\n\nSee'
    markdown = page(folder, VARIANTS.replace("</div>\n\nSee", third))
    for file in (by_tex(markdown, monkeypatch)[0], by_typst(markdown)):
        assert re.search(r"Figure 1 \(b\)\. Corrected\. +Data: .*Figure 1 \(c\)\. As run", told(file))


def test_a_folder_is_named_and_tex_links_to_files_alone(folder: Path) -> None:
    latex, typ = sources(
        "Of [5 models](../runs/s/fit), [one](../runs/s/fit/m/run.json) and [all](index.html).\n", folder
    )
    assert "Of 5 models, \\href{../runs/s/fit/m/run.json}{one} and \\href{index.html}{all}." in " ".join(latex.split())
    assert '#link("../runs/s/fit")[5 models]' in typ


def test_the_reason_of_a_verdict_has_a_row_below_that_of_the_claim(folder: Path) -> None:
    rows = '| holds | so it is<br><span class="why">Measured.<br>And why.</span> | 1 |\n| fails | it is not | 2 |\n'
    latex, typ = sources(f'<div class="ledger">\n\n| v | says | n |\n|--|-----|-|\n{rows}\n</div>\n', folder)
    body = " ".join(latex.partition("\\endlastfoot")[2].partition("\\end{longtable}")[0].split())
    claim, _, rest = body.partition(" \\\\ ")
    assert claim == "holds & so it is & 1\\keepnext{}"
    assert rest.startswith("& \\multicolumn{2}{")
    assert "\\why{Measured.\\\\ And why.}" in rest
    assert rest.endswith("\\\\ fails & it is not & 2 \\\\")
    cells = "[so it is], [1], table.cell(align: left, colspan: 2)[#why[Measured. \\ And why.]], [fails]"
    assert f"table.cell(rowspan: 2)[holds], {cells}" in " ".join(typ.split())
    # no page ends between the two
    to_latex(folder / "page.md", folder / "page.tex")
    body = (folder / "page.tex").read_text().partition("\\endlastfoot")[2]
    assert re.search(r"so it is & 1 \\\\\*\s+&\s+\\multicolumn", body)
    assert body.count("\\\\*") == 1
    assert "keepnext" not in body


def test_ledgers_are_small_and_break_and_short_tables_stay_whole(folder: Path) -> None:
    table = "| a | b |\n|---|---|\n| c | d |\n"
    latex, typ = sources(f'## One\n\n{table}\n<div class="ledger">\n\n{table}\n</div>\n', folder)
    assert len(re.findall(r"\\begin\{widetable\}(?s:.*?)\\begin\{longtable\}", latex)) == 1
    assert typ.count("#widetable[") == typ.count("#whole[") == 1
    assert typ.index("#whole[") < typ.index("#widetable[")
    # a short table of many columns is both small and whole
    wide = "| a | b | c | d | e |\n|---|---|---|---|---|\n| 1 | 2 | 3 | 4 | 5 |\n"
    latex, typ = sources(wide, folder)
    assert re.search(r"\\Needspace\{\d+\\baselineskip\}\s+\\begin\{widetable\}", latex)
    assert re.search(r"#whole\[\s+#widetable\[", typ)


def words(file: Path) -> list[tuple[str, float, float]]:
    """Each word of a PDF, where it begins and where it ends."""
    done = subprocess.run(["pdftotext", "-bbox", str(file), "-"], capture_output=True, text=True, check=True)
    found = re.findall(r'<word xMin="([\d.]+)" yMin="[\d.]+" xMax="([\d.]+)" yMax="[\d.]+">(.*?)</word>', done.stdout)
    return [(html.unescape(word), float(left), float(right)) for left, right, word in found]


LAYERS = "conv 160 of 5×5 · relu · " * 6
NETWORK = (
    f"as-described | {LAYERS} | steps 56 (full scale: 4,008), replicates 1 (full scale: 3) | 1,481,770 | 11,245,450 ✓"
)
VERDICT = '<span class="verdict not-testable">12 not testable</span>'
LONGER = f'{VERDICT} <span class="verdict undecided">4 undecided</span>'
QUESTION = f"How good are the networks on the line between two trained ones? | {LONGER} | {' | '.join([VERDICT] * 4)}"
TABLES = f"""
| model | variant | layers | its own settings | parameters | reported |
| ------ | --- | ------------------------------------------------ | ------ | -: | -: |
{"".join(f"| model {number}: 160 channels | {NETWORK} |{chr(10)}" for number in range(9))}

| question | alluri | beamreaching1 | konda | majumder | paladugu |
| -------- | ------ | ------ | ------ | ------ | ------ |
{"".join(f"| {QUESTION} |{chr(10)}" for _ in range(9))}

| model | layers | parameters |
| ------------------------ | ------------------------------------------------------------------- | -: |
| model 1 | {LAYERS} | 11,838,322 |
"""


@needs_pdflatex
@needs_poppler
def test_columns_are_as_wide_as_their_words_and_numbers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    markdown = page(folder, TABLES)
    printed, log = by_tex(markdown, monkeypatch)
    assert re.findall(r"Overfull \\hbox \((?!0\.|1\.)[\d.]+pt too", log) == []
    margin = 595.3 - 2.3 / 2.54 * 72
    for file in (printed, by_typst(markdown)):
        found = words(file)
        assert [word for word in found if word[2] > margin + 1 and word[2] < 595] == []
        # numbers keep together, and none runs into the next
        each = Counter(word for word, *_ in found)
        assert [each[word] for word in ("1,481,770", "11,245,450", "as-described", "testable")] == [9, 9, 9, 45]
        assert each["11,838,322"] == 1


def test_numbers_keep_to_their_signs_and_units(folder: Path) -> None:
    text = "The 95 % interval, n = 3, is 0.5 [0.4, 0.6], τ ≥ −0.1. Of a list [1, 2, 3], a = b and 10 more."
    latex, typ = sources(text, folder)
    latex = " ".join(latex.split())
    assert "The 95~\\% interval, n~=~3, is 0.5 {[}0.4,~0.6{]}, τ~≥~−0.1." in latex
    assert "a~= b and 10 more" in latex
    assert "The 95~% interval, n~=~3, is 0.5 \\[0.4,~0.6\\], τ~≥~−0.1." in " ".join(typ.split())


@needs_pdflatex
@needs_poppler
def test_a_figure_that_waits_comes_before_the_ledger(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f'| Claim {number}.<br><span class="why">Why.</span> | {number} |\n' for number in range(20))
    ledger = '<div class="ledger">\n\n| says | n |\n|--|--|\n{}\n</div>\n'
    picture = "![**Figure 1.** One.](../figures/one.svg)\n\n"
    before = "Some text.\n\n" * 30 + picture
    printed, log = by_tex(page(folder, before + ledger.format(rows)), monkeypatch)
    assert_whole(log)
    assert told(printed).index("Figure 1.") < told(printed).index("Claim 0.")
    # one that has room on the page leaves no gap there
    printed, _ = by_tex(page(folder, before + ledger.format(rows.partition("| Claim 1.")[0])), monkeypatch)
    assert told(printed).index("Figure 1.") > told(printed).index("Claim 0.")


@pytest.mark.parametrize("figures", [1, 2, 3, 4])
def test_the_last_of_the_figures_that_wait_shares_its_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch, figures: int
) -> None:
    rows = "".join(f'| Claim {number}.<br><span class="why">Why.</span> | {number} |\n' for number in range(20))
    pictures = "".join(f"![**Figure {n + 1}.** One.](../figures/one.svg)\n\n" for n in range(figures))
    text = "Some text.\n\n" * 30 + f'{pictures}<div class="ledger">\n\n| says | n |\n|--|--|\n{rows}\n</div>\n'
    printed, _ = by_tex(page(folder, text), monkeypatch)
    pages = subprocess.run(["pdftotext", str(printed), "-"], capture_output=True, text=True, check=True).stdout
    (last,) = (each for each in pages.split("\f") if f"Figure {figures}." in each)
    assert "Claim " in last or last.count("Figure ") > 1


def test_a_heading_goes_with_the_table_below_it(folder: Path) -> None:
    long = "words " * 60
    rows = "".join(f"| {number} | {long if number == 1 else number} |\n" for number in range(7))
    latex, _ = sources(f"Text.\n\n## One\n\n| a | b |\n|---|---|\n{rows}\nText.\n", folder)
    heading, table = (int(lines) for lines in re.findall(r"\\Needspace\{(\d+)", latex))
    # the table is not broken, so the heading needs room for all of it, and its first row is several lines high
    assert heading > table > 7 + 5


def test_the_contents_come_after_the_summary_where_there_is_one(folder: Path) -> None:
    text = "## Summary {#summary}\n\nFirst words.\n\n## One\n\nMore words.\n"
    for source, contents in zip(sources(text, folder), ("\\tableofcontents", "#outline("), strict=True):
        assert source.count(contents) == 1
        assert source.index("First words.") < source.index(contents) < source.index("More words.")
    for source, contents in zip(sources("## One\n\nWords.\n", folder), ("\\tableofcontents", "#outline("), strict=True):
        assert source.index(contents) < source.index("Words.")


def test_a_picture_of_the_text_has_no_number(folder: Path) -> None:
    """As in the other formats; one by itself would be that of another figure."""
    text = "![Loss.](../figures/one.svg)\n\n![Error.](../figures/two.svg)\n"
    for source in sources(text, folder):
        assert re.search(r"Loss\..*Error\.", source, re.DOTALL)
        assert "Figure" not in source


@pytest.mark.parametrize(
    ("given", "drawn"),
    [
        # a room of a fifth on either side; the region ends where the bar does
        ('data-low="0.4" data-high="0.6" data-value="0.5" data-from="0.5" data-to=""', [500, 500, 143, 714, 500]),
        ('data-low="0.4" data-high="0.6" data-value="0.5" data-from="" data-to="0.5"', [0, 500, 143, 714, 500]),
        ('data-low="0" data-high="1" data-value="0.5" data-from="2" data-to="5"', [429, 428, 143, 143, 214]),
        (
            'data-low="0.01" data-high="1" data-value="0.1" data-from="0.1" data-to="0.1" data-scale="log"',
            [500, 0, 143, 714, 500],
        ),
        # nothing is claimed of it
        ('data-low="1" data-high="2" data-value="1.5" data-from="" data-to=""', [0, 0, 143, 714, 500]),
        ('data-low="" data-high="" data-value="3" data-from="2" data-to=""', [143, 857, 857, 0, 857]),
    ],
)
def test_an_interval_is_drawn_beside_the_region(folder: Path, given: str, drawn: list[int]) -> None:
    latex, typ = sources(f'<span class="interval" {given}>0.5 [0.4, 0.6]</span>', folder)
    assert "".join(f"{{{part}}}" for part in drawn) in latex
    assert f"#interval({', '.join(map(str, drawn))})" in typ
    assert "0.5 {[}0.4,~0.6{]}" in latex


def test_a_number_alone_has_no_bar(folder: Path) -> None:
    latex, typ = sources('<span class="interval" data-value="3">3</span>', folder)
    assert "\\interval{" not in latex
    assert "#interval(" not in typ.partition("#let interval")[2]


def test_every_verdict_has_a_symbol(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spans = [f'<span class="verdict {each.replace(" ", "-")}">{each}</span>' for each in VERDICTS]
    markdown = page(folder, "\n\n".join(spans))
    by_typst(markdown)
    if shutil.which("pdflatex"):
        printed, log = by_tex(markdown, monkeypatch)
        assert_whole(log)
        if shutil.which("pdftotext"):
            for text in (told(printed), told(by_typst(markdown))):
                assert re.search(r"✓ holds ✗ fails \? undecided", text)


def test_the_counts_of_all_verdicts_stay_within_the_lines(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = (14, 2, 3, 17, 44, 6, 1, 12)
    words = ("hold", "fail", "undecided", "consistent", "inconsistent", "right", "wrong", "not testable")
    spans = [
        f'<span class="verdict {each.replace(" ", "-")}" data-count="{number}">{number} {word}</span>'
        for each, number, word in zip(VERDICTS[:8], numbers, words, strict=True)
    ]
    markdown = page(folder, f"## Summary\n\n{' '.join(spans)}\n")
    if shutil.which("pdflatex"):
        _, log = by_tex(markdown, monkeypatch)
        assert "Overfull" not in log


def test_works_are_cited_in_every_format(folder: Path) -> None:
    text = "Labels [@zhang2017], after @li2018.\n\n## Appendix: more\n\ntext\n"
    to_html(page(folder, text), folder / "page.html")
    shown = (folder / "page.html").read_text()
    assert 'href="#ref-zhang2017"' in shown
    assert 'id="ref-li2018"' in shown
    for source in sources(text, folder):
        assert "Zhang et al." in source
        assert "Visualizing the Loss Landscape" in source
        # before the appendices
        assert source.index("Visualizing the Loss") < source.index("Appendix: more")
        assert len(re.findall(r"section\{References\}|^=+ References", source, re.MULTILINE)) == 1
    assert all("References" not in source for source in sources("No work, but a@b.c.\n", folder))


@pytest.mark.parametrize(
    ("prose", "says"),
    [
        (
            "Prose.\n\nSee [@zhang2071].",
            r"report\.md:3: @zhang2071: report/references\.bib has no such work; .* `zhang2017`\?",
        ),
        ("As @orignal has it.", "@orignal: .* did you mean `original`"),
        ("Both [@novak2018; @nobody].", "@nobody: .* has no such work"),
        ("By [@novak2018, p. 3], as in [@original]. Ask a@b.c, or `@here`.", None),
    ],
)
def test_a_work_that_is_not_in_the_bibliography(
    project: Project, monkeypatch: pytest.MonkeyPatch, prose: str, says: str | None
) -> None:
    monkeypatch.chdir(project.folder)
    project.edit("report/tiny/report.md", "Prose.", prose)
    settings = yaml.safe_load((project.folder / "config.yaml").read_text())
    if says is None:
        Workflow(settings, ["config.yaml"], [])
        return
    with pytest.raises(HwcoreError, match=says):
        Workflow(settings, ["config.yaml"], [])


def test_every_work_of_the_bibliography_can_be_cited(folder: Path) -> None:
    bibliography = (ROOT / "report/references.bib").read_text()
    keys = works(bibliography)
    assert len(keys) == len(set(keys)) == bibliography.count("\n@")
    _, typ = sources(" ".join(f"[@{key}]" for key in keys), folder)
    assert typ.count("<ref-") >= 2 * len(keys)


def test_an_error_of_typst_is_told(folder: Path) -> None:
    with pytest.raises(HwcoreError, match=r"page\.md: Typst: label `<here>` occurs multiple times"):
        by_typst(page(folder, "See [here](#here).\n\n[One]{#here} and [two]{#here}.\n"))
    assert not (folder / "typst.pdf").exists()
