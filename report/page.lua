-- What Markdown cannot say by itself, for the HTML and the LaTeX of a page.

-- LaTeX includes the figures in PDF.
function Image(image)
  if FORMAT == "latex" then
    image.src = image.src:gsub("%.svg$", ".pdf")
    image.attributes.width = "100%"
  end
  return image
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

-- The preamble of all pages, and the banner of a scale that is not full on every page.
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
  elseif banner then
    meta["include-before"] = pandoc.List({
      pandoc.RawBlock("html", '<div class="banner" role="note">' .. banner .. "</div>"),
    })
  end
  return meta
end
