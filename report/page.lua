-- What Markdown cannot say by itself, for the HTML of a page.

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

function Image(image)
  image.attributes.decoding = "async"
  if adapts(image.src) then
    image.classes:insert("adapts")
  end
  return image
end

-- The name of a figure, by which its numbers are found.
function Figure(figure)
  figure:walk({
    Image = function(image)
      figure.attributes["data-figure"] = image.src:match("^%.%./figures/(.+)%.svg$")
    end,
  })
  return figure
end

-- What folds out below its summary.
function Div(div)
  if div.classes:includes("folded") then
    local open = "<details>\n<summary>" .. div.attributes.summary .. "</summary>"
    return { pandoc.RawBlock("html", open), div, pandoc.RawBlock("html", "</details>") }
  end
end

-- A table scrolls within itself, by keyboard too: its frame has a name, made of the heading above it.  Head
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
  -- pairs, whose order is that of the page; that of a table of names changes from run to run
  local attributes = { { "role", "region" }, { "tabindex", "0" }, { "aria-label", label } }
  return pandoc.Div({ tbl }, pandoc.Attr("", { "table" }, attributes))
end

function Pandoc(doc)
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
