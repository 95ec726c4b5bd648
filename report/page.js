// What a page does beyond being read: tables sort, ledgers filter, figures enlarge and turn into charts with their
// numbers on hover.  Nothing is fetched, and without this script everything is there to be read and printed.
(() => {
  "use strict";

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  /** An element with attributes; functions among them are listeners, and text or elements its content. */
  function make(tag, attributes = {}, ...content) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...content);
    return element;
  }

  // --- Tables -------------------------------------------------------------------------------------------------------

  /** What a cell sorts by: a number where its text begins with one, else the text. */
  function key(cell) {
    const interval = cell.querySelector(".interval[data-value]");
    const text = (interval ? interval.dataset.value : cell.textContent).trim();
    const plain = text.replace(/−/g, "-").replace(/(\d),(?=\d{3})/g, "$1");
    // 1.5·10⁻⁷, or 10⁻⁷
    const power = plain.match(/^[<>≤≥≈~]?\s*(-?)(?:(\d+(?:\.\d+)?)\s*[×·]\s*)?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)/);
    if (power) {
      const exponent = [...power[3]].map((digit) => (digit === "⁻" ? "-" : "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(digit))).join("");
      return (power[1] ? -1 : 1) * Number(power[2] ?? 1) * 10 ** Number(exponent);
    }
    const found = plain.match(/^[<>≤≥≈~]?\s*(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)/i);
    if (!found) return text ? text.toLowerCase() : null;
    return Number(found[1]);
  }

  /** Numbers come before words, and what is empty last in both directions. */
  function compare(a, b, direction) {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a !== typeof b) return direction * (typeof a === "number" ? -1 : 1);
    return direction * (typeof a === "number" ? a - b : a.localeCompare(b));
  }

  function sortable(table) {
    const body = table.tBodies[0];
    const heads = all("thead th", table);
    if (!body || body.rows.length < 3 || heads.length < 3 || all("[colspan], [rowspan]", table).length) return;
    const order = [...body.rows];
    heads.forEach((head, column) => {
      if (!head.textContent.trim()) return;
      const button = make("button", { type: "button", class: "sort" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: null }[head.ariaSort] ?? "ascending";
        const direction = head.ariaSort === "descending" ? 0 : next === "descending" ? -1 : 1;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (direction) head.setAttribute("aria-sort", next);
        const rows = [...order];
        if (direction) {
          const keys = new Map(rows.map((row) => [row, row.cells[column] ? key(row.cells[column]) : null]));
          rows.sort((a, b) => compare(keys.get(a), keys.get(b), direction));
        }
        body.append(...rows);
      });
    });
  }

  /** Only a frame that does scroll is a stop of the tab key. */
  function scrolls(frame) {
    const overflows = () => frame.scrollWidth > frame.clientWidth + 1;
    new ResizeObserver(() => (overflows() ? frame.setAttribute("tabindex", "0") : frame.removeAttribute("tabindex")))
      .observe(frame);
  }

  const VERDICTS =
    ["holds", "fails", "undecided", "consistent", "inconsistent", "right", "wrong", "not-testable", "not-judged"];
  const verdictsOf = (element) =>
    new Set(all(".verdict", element).flatMap((chip) => VERDICTS.filter((each) => chip.classList.contains(each))));

  /** Buttons for the verdicts that are there, and a field for words, over the rows of a table. */
  function filterable(frame, { words }) {
    const rows = all("tbody tr", frame);
    const verdicts = new Map(rows.map((row) => [row, verdictsOf(row)]));
    const there = VERDICTS.filter((verdict) => rows.some((row) => verdicts.get(row).has(verdict)));
    if (rows.length < 4 || !there.length) return;
    const wanted = new Set();
    const status = make("span", { role: "status" });
    const show = () => {
      const text = field ? field.value.trim().toLowerCase() : "";
      let shown = 0;
      for (const row of rows) {
        const fits = !wanted.size || [...wanted].some((verdict) => verdicts.get(row).has(verdict));
        row.hidden = !fits || (text && !row.textContent.toLowerCase().includes(text));
        shown += !row.hidden;
        all(".verdict", row).forEach((chip) => {
          const own = VERDICTS.some((verdict) => wanted.has(verdict) && chip.classList.contains(verdict));
          chip.classList.toggle("other", wanted.size > 0 && !own);
        });
      }
      status.textContent = shown === rows.length ? "" : `${shown} of ${rows.length} rows`;
    };
    const chips = there.map((verdict) => {
      const toggle = () => {
        wanted.has(verdict) ? wanted.delete(verdict) : wanted.add(verdict);
        chip.setAttribute("aria-pressed", String(wanted.has(verdict)));
        show();
      };
      const name = verdict.replace("-", " ");
      const chip = make("button", { type: "button", "aria-pressed": "false", class: `chip ${verdict}`, click: toggle }, name);
      return chip;
    });
    const field = words ? make("input", { type: "search", placeholder: "any word", input: show }) : null;
    const bar = make("div", { class: "tools", role: "group", "aria-label": "Filter" }, "Show: ", ...chips);
    if (field) bar.append(make("label", {}, "with ", field));
    bar.append(status);
    frame.before(bar);
  }

  // --- Intervals ----------------------------------------------------------------------------------------------------

  /** A small bar before the text of an interval: the interval as a line, its value as a dot, the claimed region shaded. */
  function drawInterval(span) {
    const given = (name) => (span.dataset[name] ? Number(span.dataset[name]) : NaN);
    const [low, high, value, from, to] = ["low", "high", "value", "from", "to"].map(given);
    const log = span.dataset.scale === "log";
    const finite = [low, high, value, from, to].filter((each) => Number.isFinite(each) && (!log || each > 0));
    if (!Number.isFinite(value) || (log && value <= 0)) return;
    const scaled = (each) => (log ? Math.log(Math.max(each, Number.MIN_VALUE)) : each);
    const ends = [Math.min(...finite), Math.max(...finite)].map(scaled);
    const margin = (ends[1] - ends[0]) * 0.15 || Math.abs(ends[0]) * 0.1 || 1;
    const [start, width] = [ends[0] - margin, ends[1] - ends[0] + 2 * margin];
    const place = (each, open) => {
      const at = Number.isFinite(each) ? (100 * (scaled(each) - start)) / width : open;
      return Math.min(100, Math.max(0, at));
    };
    const part = (name, a, b) => make("i", { class: name, style: `left:${a.toFixed(2)}%;width:${(b - a).toFixed(2)}%` });
    const bar = make("span", { class: "bar", "aria-hidden": "true" });
    if (Number.isFinite(from) || Number.isFinite(to)) bar.append(part("claimed", place(from, 0), place(to, 100)));
    if (Number.isFinite(low) && Number.isFinite(high)) bar.append(part("range", place(low), place(high)));
    bar.append(make("i", { class: "value", style: `left:${place(value).toFixed(2)}%` }));
    span.prepend(bar);
  }

  /** The verdicts of a study as one bar, above their counts. */
  function drawVerdicts(block) {
    const chips = all(".verdict[data-count]", block);
    const part = (chip) => make("span", { class: VERDICTS.find((each) => chip.classList.contains(each)) ?? "", style: `flex:${chip.dataset.count}` });
    block.prepend(make("span", { class: "stack", "aria-hidden": "true" }, ...chips.map(part)));
  }

  /** What was measured and why a verdict is what it is folds away below its claim. */
  function fold(why) {
    if (why.previousElementSibling?.tagName === "BR") why.previousElementSibling.remove();
    const content = make("div", {}, ...why.childNodes);
    why.replaceWith(make("details", { class: "why" }, make("summary", {}, "why"), content));
  }

  /** What is folded is printed too. */
  function printWhole() {
    const folded = new Set();
    addEventListener("beforeprint", () =>
      all("details.why:not([open])").forEach((each) => (folded.add(each), (each.open = true))));
    addEventListener("afterprint", () => (folded.forEach((each) => (each.open = false)), folded.clear()));
  }

  // --- Figures ------------------------------------------------------------------------------------------------------

  const dialog = make("dialog", { class: "large", "aria-label": "Figure, enlarged" });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  function enlarge(figure, opener) {
    const picture = figure.querySelector("img, svg").cloneNode(true);
    const caption = make("p", {});
    caption.textContent = figure.querySelector("figcaption")?.textContent ?? "";
    picture.removeAttribute("hidden");
    const close = make("button", { type: "button", autofocus: true, click: () => dialog.close() }, "Close");
    dialog.replaceChildren(close, picture, caption);
    dialog.addEventListener("close", () => opener.focus(), { once: true });
    dialog.showModal();
  }

  /** The text that was packed into the page under an id. */
  async function unpacked(id) {
    const packed = document.getElementById(`packed-${id}`).textContent;
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  let loading = null;
  /** The numbers of all figures; the library is there with them. */
  function load() {
    loading ??= Promise.all([unpacked("figures"), unpacked("plotly")]).then(([numbers, library]) => {
      document.head.append(make("script", {}, library));
      return JSON.parse(numbers);
    });
    return loading;
  }

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const charts = new Set();
  dark.addEventListener("change", () => charts.forEach((chart) => chart.draw()));

  /** `fit--corrected` is the variant `corrected` of `fit`. */
  const variantOf = (name) => (name.match(/--([^/]+)\//)?.[1] ?? "as described").replaceAll("-", " ");

  function explorable(figure) {
    const name = figure.dataset.figure;
    const siblings = all("figure[data-figure]", figure.closest(".variants") ?? figure.parentNode)
      .filter((other) => other !== figure && figure.closest(".variants")).map((other) => other.dataset.figure);
    const picture = figure.querySelector("img, svg");
    const place = make("div", { class: "chart", hidden: true });
    const status = make("span", { role: "status" });
    const both = make("input", { type: "checkbox", change: () => chart.draw() });
    const overlay = make("label", { hidden: true }, both, siblings.length > 1 ? " all variants" : " both variants");
    const chart = {
      async draw() {
        status.textContent = "loading …";
        try {
          const numbers = await load();
          const names = [name, ...(both.checked ? siblings : [])].filter((each) => numbers[each]);
          const variant = (each) => (both.checked ? variantOf(each) : "");
          const shown = names.map((each) => ({
            panels: numbers[each].panels.map((panel) => ({ ...panel, variant: variant(each) })),
          }));
          await drawChart(place, shown);
          status.textContent = "";
        } catch (error) {
          status.textContent = `This browser cannot draw the chart (${error.message}); the picture has the same content.`;
          show(false);
        }
      },
    };
    function show(explored) {
      explore.setAttribute("aria-pressed", String(explored));
      figure.classList.toggle("explored", explored);
      place.hidden = !explored;
      overlay.hidden = !explored || !siblings.length;
      explored ? charts.add(chart) : charts.delete(chart);
      if (explored) return chart.draw();
      window.Plotly?.purge(place);
    }
    const explore = make("button", {
      type: "button", class: "explore", "aria-pressed": "false",
      click: () => show(explore.getAttribute("aria-pressed") === "false"),
    }, "Explore");
    picture.after(place);
    figure.querySelector(".tools").append(explore, overlay, status);
    readByKeys(place, status);
  }

  const STEPS = {
    ArrowLeft: { point: -1 }, ArrowRight: { point: 1 }, Home: { point: -Infinity }, End: { point: Infinity },
    ArrowUp: { line: -1 }, ArrowDown: { line: 1 },
  };

  /** What the mouse shows on a chart, by the arrow keys, and in words for those who do not see it. */
  function readByKeys(place, status) {
    const within = (index, count) => Math.min(Math.max(index, 0), count - 1);
    let at = null;
    place.tabIndex = 0;
    place.setAttribute("role", "application");
    place.setAttribute("aria-label", "Chart: left and right arrows move along a line, up and down to another");
    place.addEventListener("keydown", (event) => {
      const lines = (place.data ?? []).filter((trace) => trace.type === "scatter" && trace.hoverinfo !== "skip");
      const step = STEPS[event.key];
      if (!step || !lines.length) return;
      event.preventDefault();
      const line = within(at ? at.line + (step.line ?? 0) : 0, lines.length);
      const { x, name, customdata, xaxis, yaxis } = lines[line];
      const point = within(at ? at.point + (step.point ?? 0) : 0, x.length);
      at = { line, point };
      window.Plotly.Fx.hover(place, [{ curveNumber: place.data.indexOf(lines[line]), pointNumber: point }], [xaxis + yaxis]);
      status.textContent = `${name.replaceAll("<br>", " ")}: ${customdata[point]} at ${short(x[point])}`;
    });
    place.addEventListener("blur", () => window.Plotly?.Fx.unhover(place));
  }

  // --- Charts -------------------------------------------------------------------------------------------------------

  /** Words of a label as Plotly marks them up: `$10^{3}$` has a raised 3. */
  const markedUp = (text) =>
    text.replace(/[<>&]/g, (sign) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;" })[sign])
      .replace(/\$([^$]*)\$/g, (_, inner) => inner.replace(/\^\{([^}]*)\}/g, "<sup>$1</sup>").replace(/_\{([^}]*)\}/g, "<sub>$1</sub>"));

  const wrapped = (text, width) =>
    text.split(" ").reduce((lines, word) => {
      const last = lines[lines.length - 1];
      last && (last + word).length < width ? (lines[lines.length - 1] = `${last} ${word}`) : lines.push(word);
      return lines;
    }, []).join("<br>");

  const short = (value) => Number(value.toPrecision(4)).toString().replace("-", "−");

  /** A number with its interval, if it has one; fractions in per cent, on request. */
  function estimated(value, low, high, percent) {
    if (value === null) return "none";
    const [factor, sign] = percent ? [100, " %"] : [1, ""];
    const interval = low == null ? "" : ` [${short(factor * low)}, ${short(factor * high)}]`;
    return `${short(factor * value)}${sign}${interval}`;
  }

  /** A colour that is seen on the page: in the dark, lighter until it has enough of a contrast. */
  function seen(colour, opacity = 1) {
    let parts = colour.match(/[0-9a-f]{2}/gi).map((part) => parseInt(part, 16));
    const light = () => parts[0] * 0.21 + parts[1] * 0.72 + parts[2] * 0.07;
    while (dark.matches && light() < 130) parts = parts.map((part) => Math.round(part + 0.1 * (255 - part)));
    return `rgba(${parts.join(",")},${opacity})`;
  }

  /** All panels of one or several figures of the same kind, those of further figures dotted over the first. */
  function drawChart(place, figures) {
    const style = getComputedStyle(document.documentElement);
    const [text, line, ground] = ["--text", "--line", "--ground"].map((name) => style.getPropertyValue(name).trim());
    const panels = figures[0].panels;
    const columns = panels.length > 1 && place.clientWidth > 620 ? 2 : 1;
    const rows = Math.ceil(panels.length / columns);
    const titled = panels.some((panel) => panel.title);
    const traces = [];
    const layout = {
      font: { color: text, family: getComputedStyle(document.body).fontFamily, size: 12 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 0, r: 8, t: titled ? 36 : 8, b: 8 },
      legend: { orientation: "h", x: 0, y: 1 + (titled ? 0.14 : 0.04) / rows, yanchor: "bottom", font: { size: 11 } },
      hoverlabel: { bgcolor: ground, bordercolor: line, font: { color: text }, namelength: 40 },
      hovermode: "closest", annotations: [], shapes: [],
    };
    const named = new Set();
    panels.forEach((panel, i) => {
      const [column, row] = [i % columns, Math.floor(i / columns)];
      const gap = { x: columns > 1 ? 0.12 : 0, y: rows > 1 ? (titled ? 0.34 : 0.28) / rows : 0 };
      const width = (1 - gap.x * (columns - 1)) / columns;
      const height = (1 - gap.y * (rows - 1)) / rows;
      const domain = {
        x: [column * (width + gap.x), column * (width + gap.x) + width],
        y: [1 - row * (height + gap.y) - height, 1 - row * (height + gap.y)],
      };
      const id = i ? String(i + 1) : "";
      if (panel.title) {
        layout.annotations.push({
          text: wrapped(markedUp(panel.title), columns > 1 ? 44 : Math.max(30, place.clientWidth / 8)), showarrow: false, xref: "paper", yref: "paper",
          x: (domain.x[0] + domain.x[1]) / 2, y: domain.y[1], yanchor: "bottom", font: { size: 12 },
        });
      }
      if (panel.surface) {
        drawPlane(traces, layout, panel, id, domain, { text, line, first: i === 0 });
        return;
      }
      const shown = figures.map((figure, which) => (which ? counterpart(figure.panels, panel, i) : panel)).filter(Boolean);
      layout[`xaxis${id}`] = axis(shown.map((each) => each.x), { domain: domain.x, anchor: `y${id}`, line });
      layout[`yaxis${id}`] = axis(shown.map((each) => each.y), { domain: domain.y, anchor: `x${id}`, line });
      if (panel.equal) Object.assign(layout[`yaxis${id}`], { scaleanchor: `x${id}`, constrain: "domain" });
      for (const guide of panel.guides) {
        const [along, across] = guide.axis === "y" ? ["x", "y"] : ["y", "x"];
        layout.shapes.push({
          type: "line", layer: "below", [`${along}ref`]: `${along}${id} domain`, [`${across}ref`]: `${across}${id}`,
          [`${along}0`]: 0, [`${along}1`]: 1, [`${across}0`]: guide.at, [`${across}1`]: guide.at,
          line: { color: seen(guide.colour), width: 1.2, dash: guide.line ?? "solid" },
        });
      }
      shown.forEach((own, which) => {
        for (const series of own.series) {
          const name = [series.of ?? series.name, own.variant].filter(Boolean).join(" · ");
          const legend = !series.of && !named.has(name);
          traces.push(...lines(series, { name, id, which, ground, legend, percent: own.y.percent }));
          if (series.of) continue;
          named.add(name);
        }
      });
    });
    // values at the same place are read together where lines run from left to right
    const ordered = traces.length && traces.every((trace) => trace.type !== "surface" && trace.type !== "scatter3d"
      && (trace.fill || trace.hoverinfo || trace.x.every((x, i) => !i || x >= trace.x[i - 1])) && (trace.fill || trace.hoverinfo || trace.x.length > 1));
    if (ordered && !panels.some((panel) => panel.surface)) layout.hovermode = "x";
    layout.showlegend = named.size > 1 || panels.some((panel) => panel.surface);
    const high = rows * (panels.some((panel) => panel.surface) ? 420 : 280) + 16 * Math.min(named.size, 8);
    layout.height = high;
    return window.Plotly.newPlot(place, traces, layout, { displayModeBar: false, responsive: true });
  }

  /** The panel of another figure that has the same axes, first looked for at the same place. */
  function counterpart(panels, panel, i) {
    const alike = (other) => other && ["x", "y"].every((each) => other[each].label === panel[each].label);
    return alike(panels[i]) ? panels[i] : panels.find(alike);
  }

  /** An axis as the first of some figures has it, as long as all of them need. */
  function axis(all, { domain, anchor, line }) {
    const described = all[0];
    const ends = all.flatMap((each) => each.limits).filter((limit) => !described.log || limit > 0);
    const limits = [Math.min(...ends), Math.max(...ends)].map((limit) => (described.log ? Math.log10(limit) : limit));
    const result = {
      title: { text: markedUp(described.label), font: { size: 12 }, standoff: 10 }, domain, anchor, range: limits,
      type: described.log ? "log" : "linear", automargin: true,
      gridcolor: line, linecolor: line, zeroline: false, showline: true, ticks: "outside", tickcolor: line,
      hoverformat: ".4~g", exponentformat: "power",
    };
    if (described.percent) result.tickformat = ".4~%";
    const decades = limits[1] - limits[0];
    if (described.log) result.dtick = decades < 1.5 ? "D2" : Math.ceil(decades / 7);
    if (described.ticks) {
      result.tickvals = Object.keys(described.ticks).map(Number);
      result.ticktext = Object.values(described.ticks).map(markedUp);
    }
    return result;
  }

  /** A series as a band, if it has one, and a line with its values. */
  function lines(series, { name, id, which, ground, legend, percent }) {
    const colour = seen(series.colour);
    const group = { legendgroup: name, xaxis: `x${id}`, yaxis: `y${id}`, name: wrapped(name, 70) };
    const known = series.low ? series.x.map((_, i) => i).filter((i) => series.low[i] !== null) : [];
    const traces = [];
    const points = series.line === null || (series.marker && !series.marks && series.x.length < 40);
    if (known.length && !points) {
      const at = (values, order) => order.map((i) => values[i]);
      const back = [...known].reverse();
      traces.push({
        ...group, x: [...at(series.x, known), ...at(series.x, back)], y: [...at(series.high, known), ...at(series.low, back)],
        fill: "toself", fillcolor: seen(series.colour, which ? 0.08 : 0.16), mode: "lines", line: { width: 0 },
        hoverinfo: "skip", showlegend: false,
      });
    }
    const hollow = new Set(series.hollow ?? []);
    const marks = series.marks && new Set(series.marks);
    const size = series.of ? 4 : series.line === null || points || marks ? 7 : 4;
    const marker = series.marker && {
      symbol: series.marker, size: marks ? series.x.map((_, i) => (marks.has(i) ? size : 0)) : size,
      color: series.x.map((_, i) => (hollow.has(i) ? ground : colour)), line: { color: colour, width: 1.3 },
    };
    const dashes = which ? { solid: "dot", dash: "dashdot" } : { solid: "solid", dash: "dash" };
    const trace = {
      ...group, type: "scatter", mode: [series.line && "lines", series.marker && "markers"].filter(Boolean).join("+"),
      x: series.x, y: series.y, opacity: series.opacity, showlegend: legend,
      line: { color: colour, width: Math.min(series.width, 3), dash: dashes[series.line] ?? series.line },
      customdata: series.y.map((y, i) => estimated(y, series.low?.[i], series.high?.[i], percent)),
      ...(series.of ? { hoverinfo: "skip" } : { hovertemplate: "%{customdata}" }),
    };
    if (marker) trace.marker = which ? { ...marker, symbol: `${series.marker}-open` } : marker;
    if (known.length && points) {
      const apart = (bound, sign) => series.y.map((y, i) => (bound[i] == null || y === null ? 0 : sign * (bound[i] - y)));
      trace.error_y = {
        type: "data", symmetric: false, array: apart(series.high, 1), arrayminus: apart(series.low, -1),
        color: colour, thickness: 1, width: 3,
      };
    }
    return [...traces, trace];
  }

  /** A plane of losses as a surface that turns, with the way of the weights on it. */
  function drawPlane(traces, layout, panel, id, domain, { text, line, first }) {
    const { x, y, z, log } = panel.surface;
    const font = { color: text, family: "sans-serif", size: 12 };
    const grid = { gridcolor: line, color: text, backgroundcolor: "rgba(0,0,0,0)", tickfont: font };
    const named = (label) => ({ title: { text: label, font } });
    layout[`scene${id}`] = {
      domain, xaxis: { ...grid, ...named(panel.x.label) }, yaxis: { ...grid, ...named(panel.y.label) },
      zaxis: { ...grid, ...named(panel.surface.name), type: log ? "log" : "linear", exponentformat: "power" },
      camera: { eye: { x: 1.6, y: -1.6, z: 1.1 }, center: { x: 0, y: 0, z: -0.15 } },
    };
    traces.push({
      type: "surface", scene: `scene${id}`, x, y, z, colorscale: "Blues", reversescale: true, opacity: 0.92,
      surfacecolor: z.map((row) => row.map((value) => (log ? Math.log10(value) : value))), showscale: false,
      showlegend: false, hovertemplate: "%{z:.4~g}<extra></extra>",
    });
    for (const series of panel.series) {
      traces.push({
        type: "scatter3d", scene: `scene${id}`, name: series.name, legendgroup: series.name, showlegend: first,
        mode: series.line ? "lines+markers" : "markers", x: series.x, y: series.y,
        z: series.x.map((at, i) => height(panel.surface, at, series.y[i])),
        line: { color: seen(series.colour), width: 4 }, marker: { color: seen(series.colour), size: series.line ? 2.5 : 5 },
        hovertemplate: "%{z:.4~g}<extra>%{fullData.name}</extra>",
      });
    }
  }

  /** The surface at a point, linear between its corners, in the logarithm where its colours are. */
  function height({ x, y, z, log }, atX, atY) {
    const cell = (values, at) => {
      const i = Math.min(Math.max(values.findIndex((value) => value >= at) - 1, 0), values.length - 2);
      return [i, (at - values[i]) / (values[i + 1] - values[i])];
    };
    const [[i, u], [j, v]] = [cell(x, atX), cell(y, atY)];
    const scaled = (value) => (log ? Math.log(value) : value);
    const corner = (row, column) => scaled(z[row][column]);
    const value = (1 - v) * ((1 - u) * corner(j, i) + u * corner(j, i + 1)) + v * ((1 - u) * corner(j + 1, i) + u * corner(j + 1, i + 1));
    return log ? Math.exp(value) : value;
  }

  // ------------------------------------------------------------------------------------------------------------------

  all(".table").forEach(scrolls);
  all("table").forEach(sortable);
  all(".ledger").forEach((ledger) => filterable(ledger, { words: true }));
  all(".matrix").forEach((matrix) => filterable(matrix, { words: false }));
  all(".interval").forEach(drawInterval);
  all(".verdicts").forEach(drawVerdicts);
  all("span.why").forEach(fold);
  printWhole();
  document.body.append(dialog);
  for (const figure of all("figure")) {
    const picture = figure.querySelector("img, svg");
    if (!picture) continue;
    const button = make("button", { type: "button", class: "enlarge", click: () => enlarge(figure, button) }, "Enlarge");
    picture.addEventListener("click", () => enlarge(figure, button));
    picture.after(make("div", { class: "tools" }, button));
    const packed = document.getElementById("packed-figures");
    if (figure.dataset.figure && packed && figure.nextElementSibling?.matches(".numbers")) explorable(figure);
  }
})();
