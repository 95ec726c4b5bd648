-- What Markdown cannot say by itself, in every form of a page.

-- Where a line ends within the cell of a table.
function Span(span)
  return span.classes:includes("br") and pandoc.LineBreak() or nil
end

-- The works that a page cites are listed before its appendices.
local function appendix(block)
  return block.t == "Header" and pandoc.utils.stringify(block):match("^Appendix")
end

-- Links lead to what a page has: a template may leave out an experiment, and Typst refuses a link to nowhere.
local function linked(document)
  local ids = {}
  local function note(element)
    if element.identifier and element.identifier ~= "" then
      ids[element.identifier] = true
    end
  end
  -- no others have one, and there are a hundred times as many
  local bearers = {}
  for _, name in ipairs({ "Code", "CodeBlock", "Div", "Figure", "Header", "Image", "Link", "Span", "Table" }) do
    bearers[name] = note
  end
  document:walk(bearers)
  return document:walk({
    Link = function(link)
      local id = link.target:match("^#(.+)$")
      return id and not ids[id] and link.content or nil
    end,
  })
end

function Pandoc(document)
  document = linked(document)
  local cites = document.meta.nocite ~= nil
  document.blocks:walk({
    Cite = function()
      cites = true
    end,
  })
  if not cites then
    return document
  end
  local _, place = document.blocks:find_if(appendix)
  place = place or #document.blocks + 1
  document.blocks:insert(place, pandoc.Div({}, { id = "refs" }))
  document.blocks:insert(place, pandoc.Header(2, "References", { id = "references" }))
  return document
end
