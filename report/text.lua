-- What Markdown cannot say by itself, in every form of a page.

-- Where a line ends within the cell of a table.
function Span(span)
  return span.classes:includes("br") and pandoc.LineBreak() or nil
end

-- The works that a page cites are listed before its appendices.
local function appendix(block)
  return block.t == "Header" and pandoc.utils.stringify(block):match("^Appendix")
end

-- The ids of a page, whether it cites, and where its links lead to; they are looked for in one walk.
local function contents(document)
  local ids, targets, cites = {}, {}, document.meta.nocite ~= nil
  local function note(element)
    if element.identifier ~= "" then
      ids[element.identifier] = true
    end
  end
  local visit = {}
  -- no others have an id, and there are a hundred times as many
  for _, name in ipairs({ "Code", "CodeBlock", "Div", "Figure", "Header", "Image", "Link", "Span", "Table" }) do
    visit[name] = note
  end
  function visit.Link(link)
    note(link)
    targets[link.target] = true
  end
  function visit.Cite()
    cites = true
  end
  document:walk(visit)
  return ids, targets, cites
end

-- Links lead to what a page has: a template may leave out an experiment, and Typst refuses a link to nowhere.
local function linked(document, ids, targets)
  local missing = {}
  for target in pairs(targets) do
    local id = target:match("^#(.+)$")
    missing[target] = id and not ids[id] or nil
  end
  if not next(missing) then
    return document
  end
  return document:walk({
    Link = function(link)
      return missing[link.target] and link.content or nil
    end,
  })
end

function Pandoc(document)
  local ids, targets, cites = contents(document)
  document = linked(document, ids, targets)
  if not cites then
    return document
  end
  local _, place = document.blocks:find_if(appendix)
  place = place or #document.blocks + 1
  document.blocks:insert(place, pandoc.Div({}, { id = "refs" }))
  document.blocks:insert(place, pandoc.Header(2, "References", { id = "works-cited" }))
  return document
end
