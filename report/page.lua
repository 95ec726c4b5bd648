-- What Markdown cannot say by itself, for the HTML and the LaTeX of a page.

-- Whether a picture has a dark form of its own; others are drawn on white.
local function adapts(path)
  local file = path:match("%.svg$") and io.open(path)
  if not file then
    return false
  end
  local text = file:read("a")
  file:close()
  return text:find("prefers-color-scheme", 1, true) ~= nil
end

-- LaTeX includes the figures in PDF.
function Image(image)
  if FORMAT == "latex" then
    image.src = image.src:gsub("%.svg$", ".pdf")
    image.attributes.width = "100%"
  else
    image.attributes.decoding = "async"
    if adapts(image.src) then
      image.classes:insert("adapts")
    end
  end
  return image
end

-- The name of a figure in HTML, by which its numbers are found.
function Figure(figure)
  if FORMAT:match("^html") then
    figure:walk({
      Image = function(image)
        figure.attributes["data-figure"] = image.src:match("^%.%./figures/(.+)%.svg$")
      end,
    })
    return figure
  end
end

-- The line with the sources of a figure is small print.
function Div(div)
  if FORMAT == "latex" and div.classes:includes("source") then
    table.insert(div.content, 1, pandoc.RawBlock("latex", "\\begin{source}"))
    table.insert(div.content, pandoc.RawBlock("latex", "\\end{source}"))
  end
  return div
end

-- A heading does not stand alone at the foot of a page: headings, and the table or the first lines of
-- text below them, need so many lines.  A table that breaks right below a heading would leave its own
-- head behind on the next page.
local HEADING, TEXT, FRAME, MOST = 3, 6, 5, 30

local function lines(blocks, i)
  local block = blocks[i]
  if not block then
    return 0
  elseif block.t == "Header" then
    return HEADING + lines(blocks, i + 1)
  elseif block.t == "Table" then
    return FRAME + #block.bodies[1].body
  end
  return TEXT
end

function Blocks(blocks)
  if FORMAT ~= "latex" then
    return nil
  end
  local kept = pandoc.List()
  for i, block in ipairs(blocks) do
    if block.t == "Header" then
      local needed = math.min(lines(blocks, i), MOST)
      kept:insert(pandoc.RawBlock("latex", "\\Needspace{" .. needed .. "\\baselineskip}"))
    end
    kept:insert(block)
  end
  return kept
end

-- Tables with wrapping columns are set small, so that seven columns fit the page.
function Table(tbl)
  if FORMAT == "latex" and #tbl.colspecs > 4 then
    return { pandoc.RawBlock("latex", "\\begin{widetable}"), tbl, pandoc.RawBlock("latex", "\\end{widetable}") }
  end
  return tbl
end

-- In HTML a table scrolls within itself, by keyboard too: its frame has a name, made of the heading above it.  Head
-- cells say that they are, and each cell what its column is, for narrow screens.
local function framed(tbl, label)
  local heads = {}
  for _, row in ipairs(tbl.head.rows) do
    for i, cell in ipairs(row.cells) do
      cell.attributes.scope = "col"
      heads[i] = pandoc.utils.stringify(cell.contents)
    end
  end
  for _, body in ipairs(tbl.bodies) do
    for _, row in ipairs(body.body) do
      for i, cell in ipairs(row.cells) do
        cell.attributes["data-label"] = heads[i]
      end
    end
  end
  local attributes = { role = "region", tabindex = "0", ["aria-label"] = label }
  return pandoc.Div({ tbl }, pandoc.Attr("", { "table" }, attributes))
end

function Pandoc(doc)
  if not FORMAT:match("^html") then
    return nil
  end
  local heading, used = pandoc.utils.stringify(doc.meta.title or "Table"), {}
  doc.blocks = doc.blocks:walk({
    traverse = "topdown",
    Header = function(header)
      heading = pandoc.utils.stringify(header)
    end,
    Table = function(tbl)
      used[heading] = (used[heading] or 0) + 1
      local label = heading .. ", table" .. (used[heading] > 1 and " " .. used[heading] or "")
      return framed(tbl, label), false
    end,
  })
  return doc
end

-- The preamble of all pages, and the banner of a scale that is not full on every page of LaTeX.
function Meta(meta)
  local banner = meta.banner and pandoc.utils.stringify(meta.banner)
  if FORMAT == "latex" then
    local folder = pandoc.path.directory(PANDOC_SCRIPT_FILE)
    local file = assert(io.open(pandoc.path.join({ folder, "preamble.tex" })))
    local preamble = file:read("a")
    file:close()
    if banner then
      preamble = preamble .. "\\fancyhead[C]{\\banner{" .. banner .. "}}\n"
    end
    meta["header-includes"] = pandoc.List({ pandoc.RawBlock("latex", preamble) })
  end
  return meta
end
