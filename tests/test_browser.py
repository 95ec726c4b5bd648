"""Pages in a real browser: what can be done with them, by mouse and keyboard, on wide and narrow screens."""

import re
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Locator, Page, expect, sync_playwright

from conftest import ROOT, Project
from hwcore.reporting.html import write_html

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# 3-D charts without a graphics card
OPTIONS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")

LEDGER = """
---
title: A ledger
lang: en
---

## Claims

<div class="ledger">

| verdict | claim | reported | measured (95 % interval) | figure |
| --- | ------ | -: | ------ | --- |
| <span class="verdict fails">fails</span> | falls fast<br>WHY | 12 | VALUE | |
| <span class="verdict holds">holds</span> | grows | 1,000 | 20 | |
| <span class="verdict holds">holds</span> | falls slowly | 9 | 3·10⁻² | |
| <span class="verdict not-testable">not testable</span> | a guess | | | |

</div>

<div class="verdicts">

<span class="verdict holds" data-count="2">2 hold</span> <span class="verdict fails" data-count="1">1 fails</span>

</div>

## A wide table

| model | a | b | c | d | e | f | g | h | i |
| ----- | - | - | - | - | - | - | - | - | - |
| the first one | 12345678 | 12345678 | 12345678 | 12345678 | 12345678 | 12345678 | 12345678 | 12345678 | 12345678 |
| the second one | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 |
"""
INTERVAL = (
    '<span class="interval" data-scale="linear" data-value="0.5" data-low="0.25" data-high="0.75" data-from="0.5">'
    "0.5 [0.25, 0.75]</span>"
)
WHY = '<span class="why">The loss at the end.</span>'


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of the system, else the one that Playwright has installed."""
    path = next(filter(None, map(shutil.which, PROGRAMS)), None)
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        except Error as error:
            pytest.skip(f"no browser: {error.message.splitlines()[0]}")
        yield started
        started.close()


class Visit:
    """A page that is open in a browser, and what went wrong in it."""

    def __init__(self, browser: Browser, file: Path, **context: Any) -> None:
        self.wrong: list[str] = []
        size = {"width": context.pop("width", 1280), "height": 900}
        self.page: Page = browser.new_context(viewport=size, **context).new_page()
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", self._asked)
        self.page.set_default_timeout(10_000)
        self.page.goto(file.as_uri())

    def _asked(self, request: Any) -> None:
        # a page needs no file but its own, and none of the network
        if not request.url.startswith(("data:", "blob:")) and not request.is_navigation_request():
            self.wrong.append(f"asked for {request.url}")


@pytest.fixture
def visit(browser: Browser) -> Iterator[Any]:
    opened: list[Visit] = []

    def open_page(file: Path, **context: Any) -> Page:
        opened.append(Visit(browser, file, **context))
        return opened[-1].page

    yield open_page
    for each in opened:
        each.page.context.close()
        assert not each.wrong


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(ROOT)
    write_html(LEDGER.replace("VALUE", INTERVAL).replace("WHY", WHY), tmp_path / "ledger.html")
    return tmp_path / "ledger.html"


@pytest.fixture(scope="session")
def pages(finished: Project) -> Path:
    return finished.folder / "results/quick/report"


def figure(page: Page, name: str) -> Locator:
    return page.locator(f'figure[data-figure="{name}"]')


def test_all_links_lead_somewhere(visit: Any, pages: Path) -> None:
    places: dict[Path, set[str]] = {}
    links: set[tuple[Path, str]] = set()
    for name in ("tiny", "index"):
        page = visit(pages / f"{name}.html")
        places[pages / f"{name}.html"] = set(page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)"))
        for link in page.evaluate("[...document.querySelectorAll('a[href]')].map(e => e.href)"):
            parts = urlparse(link)
            if parts.scheme == "file":
                links.add((Path(unquote(parts.path)), unquote(parts.fragment)))
    assert len(links) > 20
    for path, place in links:
        assert path.is_file(), path
        assert not place or place in places[path], (path, place)


def test_without_a_script_all_is_there(visit: Any, pages: Path, ledger: Path) -> None:
    page = visit(pages / "tiny.html", java_script_enabled=False)
    assert page.locator("figure img").count() == page.locator("figure").count() > 3
    assert all(image.is_visible() for image in page.locator("figure img").all())
    assert page.locator("details.numbers").count() == page.locator("figure").count()
    numbers = page.locator("details.numbers").first
    assert not numbers.locator("table").is_visible()
    numbers.locator("summary").click()
    assert numbers.locator("table").is_visible()
    assert not page.locator("button:visible").count()
    page = visit(ledger, java_script_enabled=False)
    assert page.get_by_text("The loss at the end.").is_visible()
    assert page.locator(".ledger tbody tr:visible").count() == 4


def test_tables_sort_by_mouse_and_keyboard(visit: Any, ledger: Path) -> None:
    page = visit(ledger)

    def column(number: int) -> list[str]:
        cells = page.locator(f".ledger tbody td:nth-child({number})").all_inner_texts()
        return [cell.splitlines()[0] if cell else "" for cell in cells]

    original = column(3)
    head = page.get_by_role("columnheader", name="reported")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    # by size, not by letters; what is empty comes last
    assert column(3) == ["9", "12", "1,000", ""]
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(3) == ["1,000", "12", "9", ""]
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") is None
    assert column(3) == original
    page.get_by_role("columnheader", name="measured").get_by_role("button").press("Enter")
    assert [text.strip() for text in column(4)] == ["3·10⁻²", "0.5 [0.25, 0.75]", "20", ""]
    assert head.get_attribute("aria-sort") is None


def test_a_ledger_filters_by_verdict_and_words(visit: Any, ledger: Path) -> None:
    page = visit(ledger)
    rows = page.locator(".ledger tbody tr:visible")
    tools = page.get_by_role("group", name="Filter")
    assert tools.get_by_role("button").all_inner_texts() == ["holds", "fails", "not testable"]
    holds = tools.get_by_role("button", name="holds")
    holds.press("Space")
    assert holds.get_attribute("aria-pressed") == "true"
    assert rows.count() == 2
    assert tools.get_by_role("status").inner_text() == "2 of 4 rows"
    tools.get_by_role("searchbox").fill("FALLS")
    assert rows.count() == 1
    assert "slowly" in rows.first.inner_text()
    holds.click()
    assert rows.count() == 2
    tools.get_by_role("searchbox").fill("")
    assert rows.count() == 4
    assert tools.get_by_role("status").inner_text() == ""


def test_an_interval_is_drawn_against_the_claimed_region(visit: Any, ledger: Path) -> None:
    page = visit(ledger)
    parts = {name: page.locator(f".bar .{name}").bounding_box() for name in ("claimed", "range", "value")}
    bar = page.locator(".bar").bounding_box()
    assert bar
    assert all(parts.values())
    # from 0.25 to 0.75 with a margin of 15 % on both sides; claimed is all from 0.5 on
    middle = bar["x"] + bar["width"] / 2
    assert abs(parts["claimed"]["x"] - middle) < 1
    assert abs(parts["claimed"]["x"] + parts["claimed"]["width"] - bar["x"] - bar["width"]) < 1
    assert abs(parts["value"]["x"] + parts["value"]["width"] / 2 - middle) < 1
    assert abs(parts["range"]["width"] - bar["width"] / 1.3) < 1
    assert "0.5 [0.25, 0.75]" in page.locator(".interval").inner_text()
    shares = [part["width"] for part in map(Locator.bounding_box, page.locator(".verdicts .stack > *").all()) if part]
    assert shares[0] / shares[1] == pytest.approx(2, abs=0.05)


def test_reasons_fold_away_and_are_printed(visit: Any, ledger: Path) -> None:
    page = visit(ledger)
    reason = page.get_by_text("The loss at the end.")
    assert not reason.is_visible()
    page.get_by_text("why", exact=True).click()
    assert reason.is_visible()
    page.get_by_text("why", exact=True).click()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert reason.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not reason.is_visible()


def test_a_figure_enlarges_and_closes_by_keyboard(visit: Any, pages: Path) -> None:
    page = visit(pages / "tiny.html")
    button = figure(page, "tiny/fit/loss").get_by_role("button", name="Enlarge")
    before = figure(page, "tiny/fit/loss").locator("img").bounding_box()
    button.press("Enter")
    dialog = page.get_by_role("dialog")
    assert dialog.is_visible()
    assert page.evaluate("document.activeElement.textContent") == "Close"
    after = dialog.locator("img").bounding_box()
    assert before
    assert after
    assert after["width"] > 1.5 * before["width"]
    assert "Training loss." in dialog.inner_text()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert button.evaluate("button => button === document.activeElement")
    button.press("Enter")
    page.keyboard.press("Enter")
    assert not dialog.is_visible()


def explored(page: Page, name: str) -> Locator:
    """The chart in the place of a figure."""
    figure(page, name).get_by_role("button", name="Explore").press("Enter")
    chart = figure(page, name).locator(".chart")
    chart.locator(".trace, .gl-container canvas").first.wait_for(state="attached")
    return chart


def hovered(page: Page, chart: Locator, share: float) -> str:
    """What the chart says where the mouse is over its first panel, at a share of the width."""
    place = chart.locator(".nsewdrag").first.bounding_box()
    assert place
    page.mouse.move(place["x"] + share * place["width"], place["y"] + place["height"] / 2, steps=4)
    # what was said of places on the way gives way to what is said of the last
    page.wait_for_timeout(500)
    chart.locator(".hoverlayer text").first.wait_for()
    return " ".join(chart.locator(".hoverlayer text").all_text_contents())


def test_a_chart_has_the_values_of_the_tables_on_hover(visit: Any, pages: Path) -> None:
    page = visit(pages / "tiny.html")
    chart = explored(page, "tiny/fit/fits")
    assert not figure(page, "tiny/fit/fits").locator("img").is_visible()
    # the last place
    said = hovered(page, chart, 0.985).replace("−", "-")
    table = pd.read_parquet(pages.parent / "tables/tiny/fit/predictions.parquet")
    for model, own in table[table.x == table.x.max()].groupby("model"):
        values = [float(value) for value in re.findall(r"-?\d+(?:\.\d+)?", said)]
        assert any(value == pytest.approx(own.prediction.mean(), rel=1e-3) for value in values), said
        assert str(model) in said
    figure(page, "tiny/fit/fits").get_by_role("button", name="Explore").press("Enter")
    assert figure(page, "tiny/fit/fits").locator("img").is_visible()
    assert not chart.is_visible()


def test_a_chart_of_accuracies_speaks_of_per_cent(visit: Any, pages: Path) -> None:
    page = visit(pages / "tiny.html")
    chart = explored(page, "tiny/classify/accuracy")
    table = pd.read_parquet(pages.parent / "runs/tiny/classify/small/metrics.parquet")
    last = table[table.epoch == table.epoch.max()].train_accuracy.mean()
    said = hovered(page, chart, 0.985)
    values = [float(value) for value in re.findall(r"(\d+(?:\.\d+)?) %", said)]
    assert any(value == pytest.approx(100 * last, rel=1e-3) for value in values), said
    ticks = chart.locator(".ytick text").all_text_contents()
    assert ticks
    assert all(re.fullmatch(r"\d+(\.\d+)?%", tick) for tick in ticks), ticks


def test_a_chart_is_read_by_arrow_keys(visit: Any, pages: Path) -> None:
    page = visit(pages / "tiny.html")
    chart = explored(page, "tiny/fit/fits")
    table = pd.read_parquet(pages.parent / "tables/tiny/fit/predictions.parquet")
    own = table[table.model == "narrow"].groupby("x").prediction.mean()
    said = figure(page, "tiny/fit/fits").get_by_role("status")
    chart.focus()
    seen = {}
    for key in ("ArrowDown", "Home", "ArrowDown", "ArrowRight", "ArrowLeft", "End", "ArrowRight"):
        page.keyboard.press(key)
        seen[key] = said.inner_text().replace("−", "-")
        chart.locator(".hoverlayer text").first.wait_for()
    line = re.fullmatch(r"narrow: (\S+) at (\S+)", seen["ArrowLeft"])
    assert line, seen
    # four digits
    assert float(line[1]) == pytest.approx(own.iloc[0], rel=1e-3)
    assert float(line[2]) == pytest.approx(own.index[0], rel=1e-3)
    # the end of a line is the end
    assert seen["ArrowRight"] == seen["End"]
    assert f" at {own.index[-1]:g}" in seen["End"]


def test_variants_are_superposed(visit: Any, pages: Path) -> None:
    page = visit(pages / "tiny.html")
    chart = explored(page, "tiny/fit/loss")
    assert chart.locator(".legendtext").all_text_contents() == ["narrow", "wide"]
    figure(page, "tiny/fit/loss").get_by_role("checkbox").check()
    chart.get_by_text("narrow · corrected").wait_for()
    variants = ("as described", "corrected", "as run")
    expected = {f"{model} · {variant}" for model, variant in product(("narrow", "wide"), variants)}
    assert {*chart.locator(".legendtext").all_text_contents()} == expected
    # twice the epochs of the variant fit on the axis
    assert "12" in chart.locator(".xtick text").all_text_contents()


def drawn_page(folder: Path, *panels: dict[str, Any]) -> Path:
    """A page with a figure `made` of these panels."""
    axis = {"log": False, "limits": [-1, 1]}
    series = {"name": "weights", "colour": "#d55e00", "line": "solid", "marker": "circle", "width": 1, "opacity": 1}
    whole = [
        {
            "title": "",
            "x": {**axis, "label": f"measure {i}"},
            "y": {**axis, "label": "gap"},
            "equal": False,
            "guides": [],
            "surface": None,
            **panel,
            "series": [{**series, **each} for each in panel["series"]],
        }
        for i, panel in enumerate(panels)
    ]
    (folder / "figures").mkdir()
    (folder / "figures/made.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"/>')
    text = "---\ntitle: T\nlang: en\n---\n\n![A figure.](../figures/made.svg)\n"
    write_html(text, folder / "report/t.html", data={"made": {"panels": whole}})
    return folder / "report/t.html"


def traces(chart: Locator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = chart.evaluate("chart => chart.data")
    return found


def test_panels_of_the_same_height_keep_their_own_points(
    visit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    panels = [{"series": [{"x": [each, each + 1], "y": [0, 1]}]} for each in (1, 2, 3)]
    chart = explored(visit(drawn_page(tmp_path, *panels)), "made")
    assert [trace["x"] for trace in traces(chart)] == [[1, 2], [2, 3], [3, 4]]


def test_a_plane_becomes_a_surface(visit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    plane = {"name": "loss", "log": True, "x": [-1, 0, 1], "y": [-1, 1], "z": [[1, 10, 100], [1, 10, 100]]}
    panel = {"title": "a title", "series": [{"x": [-1, 0.5], "y": [0, 0]}], "surface": plane}
    chart = explored(visit(drawn_page(tmp_path, panel)), "made")
    way = next(trace for trace in traces(chart) if trace["type"] == "scatter3d")
    # half of a decade from 10 to 100, as the surface is drawn
    assert way["z"] == pytest.approx([1, 10**1.5])


def test_the_index_filters_by_verdict_and_shows_shares(visit: Any, pages: Path) -> None:
    page = visit(pages / "index.html")
    assert page.locator(".overview .stack > *").count() == 1
    link = page.get_by_role("link", name="A tiny study")
    assert link.get_attribute("href") == "tiny.html"
    experiments = page.locator("details")
    assert not experiments.locator("table").is_visible()
    experiments.locator("summary").click()
    rows = experiments.locator("tbody tr:visible")
    assert rows.count() == 4
    experiments.get_by_role("group", name="Filter").get_by_role("button").first.click()
    assert rows.count() == 1
    assert "Fit cos x" in rows.inner_text()


def test_a_narrow_page_does_not_scroll_sideways(visit: Any, pages: Path, ledger: Path) -> None:
    for file in (pages / "tiny.html", pages / "index.html", ledger):
        page = visit(file, width=390)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, file
    # a claim is a card, another table scrolls within itself and keeps its first column
    row, cell = page.locator(".ledger tbody tr").first, page.locator(".ledger tbody td:nth-child(3)").first
    assert (row.bounding_box() or {})["width"] > 300
    assert (cell.bounding_box() or {})["x"] == pytest.approx((row.bounding_box() or {})["x"], abs=20)
    frame = page.get_by_role("region", name="A wide table, table")
    assert frame.get_attribute("tabindex") == "0"
    frame.evaluate("frame => frame.scrollTo(400, 0)")
    first = frame.locator("tbody td").first
    assert (first.bounding_box() or {})["x"] == pytest.approx((frame.bounding_box() or {})["x"], abs=1)
    wide = visit(ledger)
    # a frame that does not scroll is no stop of the tab key, once the browser has measured it
    expect(wide.get_by_role("region", name="Claims, table")).not_to_have_attribute("tabindex", "0")


def test_the_first_stop_of_the_tab_key_skips_to_the_content(visit: Any, pages: Path) -> None:
    page = visit(pages / "tiny.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "page-main"


@pytest.mark.parametrize(("width", "scheme"), [*product(WIDTHS, SCHEMES)])
def test_pages_are_accessible(visit: Any, pages: Path, ledger: Path, width: int, scheme: str) -> None:
    for file in (pages / "tiny.html", pages / "index.html", ledger):
        page = visit(file, width=width, color_scheme=scheme)
        assert page.locator("h1").count() == 1
        page.evaluate("document.querySelectorAll('details').forEach(each => (each.open = true))")
        if file.stem == "tiny":
            explored(page, "tiny/classify/accuracy")
        result = Axe().run(page).response
        assert result["passes"]
        found = result["violations"]
        said = [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]
        assert not said, "\n".join([file.name, *said])
