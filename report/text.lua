-- What Markdown cannot say by itself, in every form of a page.

-- Where a line ends within the cell of a table.
function Span(span)
  return span.classes:includes("br") and pandoc.LineBreak() or nil
end

-- The works that a page cites are listed before its appendices.
local function appendix(block)
  return block.t == "Header" and pandoc.utils.stringify(block):match("^Appendix")
end

function Pandoc(document)
  local cites = document.meta.nocite ~= nil
  document.blocks:walk({
    Cite = function()
      cites = true
    end,
  })
  if not cites then
    return nil
  end
  local _, place = document.blocks:find_if(appendix)
  place = place or #document.blocks + 1
  document.blocks:insert(place, pandoc.Div({}, { id = "refs" }))
  document.blocks:insert(place, pandoc.Header(2, "References", { id = "references" }))
  return document
end
