-- What Markdown cannot say by itself, for the LaTeX and the Typst of a page.  The commands that it names are
-- those of preamble.tex and page.typ.

local LATEX = FORMAT == "latex"

local function inline(latex, typst)
  return pandoc.RawInline(FORMAT, LATEX and latex or typst)
end

local function block(latex, typst)
  return pandoc.RawBlock(FORMAT, LATEX and latex or typst)
end

local function read(name)
  local file = assert(io.open(pandoc.path.join({ pandoc.path.directory(PANDOC_SCRIPT_FILE), name })))
  local text = file:read("a")
  file:close()
  return text
end

local PREAMBLE = read("preamble.tex")
local KEYWORDS = pandoc.List({ "deep learning", "reproducibility" })

-- Verdicts and intervals.

local function is(element, class)
  return element ~= nil and element.t == "Div" and element.classes:includes(class)
end

local function wrapped(content, latex, typst)
  local shown = pandoc.Inlines({ inline(latex .. "{", typst .. "[") })
  shown:extend(content)
  shown:insert(inline("}", "]"))
  return shown
end

local function kind(span)
  return (span.classes:find_if(function(class)
    return class ~= "verdict"
  end))
end

local function verdict(span)
  return wrapped(span.content, "\\verdict{" .. kind(span) .. "}", '#verdict("' .. kind(span) .. '")')
end

-- The share of each verdict as a bar, above the words and numbers.
local function verdicts(div)
  if not is(div, "verdicts") then
    return nil
  end
  local shares, all = pandoc.List(), 0
  div:walk({
    Span = function(span)
      local count = tonumber(span.attributes["data-count"])
      if count then
        shares:insert({ kind = kind(span), count = count })
        all = all + count
      end
    end,
  })
  local bar = pandoc.Inlines({})
  for _, each in ipairs(shares) do
    local share = ("%.4f"):format(each.count / all)
    local latex, typst = "\\share{%s}{%s}", '#share("%s", %s)'
    bar:insert(inline(latex:format(each.kind, share), typst:format(each.kind, share)))
  end
  div.content:insert(1, pandoc.Plain(wrapped(bar, "\\shares", "#shares")))
  return div
end

-- The reason of a verdict has a row of its own below that of the claim, from the column of the claim to the last.
local function reason(cell)
  local found
  cell.contents = cell.contents:walk({
    Inlines = function(inlines)
      for i, each in ipairs(inlines) do
        if each.t == "Span" and each.classes:includes("why") then
          found = each
          return pandoc.Inlines({ table.unpack(inlines, 1, i - 2) }), false
        end
      end
    end,
  })
  return found
end

-- No page of LaTeX ends below this row; latex.py makes a ``\\\\*`` of it.
local KEEP = pandoc.RawInline("latex", "\\keepnext{}")

local function kept(row)
  local cell = row.cells[#row.cells]
  local last = cell.contents[#cell.contents]
  if last and (last.t == "Plain" or last.t == "Para") then
    last.content:insert(KEEP)
  else
    cell.contents:insert(pandoc.Plain({ KEEP }))
  end
  row.cells[#row.cells] = cell
end

local function with_reasons(body)
  local rows = pandoc.List()
  for _, row in ipairs(body.body) do
    local why, from
    for column, cell in ipairs(row.cells) do
      why = reason(cell)
      if why then
        from = column
        break
      end
    end
    if not why then
      rows:insert(row)
    else
      local below = pandoc.List()
      for column = 1, from - 1 do
        if LATEX then
          below:insert(pandoc.Cell({}))
        else
          -- Typst breaks no rows that a cell has in common
          row.cells[column].row_span = 2
        end
      end
      below:insert(pandoc.Cell({ pandoc.Plain({ why }) }, pandoc.AlignLeft, 1, #row.cells - from + 1))
      kept(row)
      rows:extend({ row, pandoc.Row(below) })
    end
  end
  body.body = rows
  return body
end

local function reasons(div)
  if not is(div, "ledger") then
    return nil
  end
  return div:walk({
    Table = function(tbl)
      tbl.bodies = tbl.bodies:map(with_reasons)
      return tbl
    end,
  })
end

-- A value and its interval beside the region that a claim states, in thousandths of a bar that has them all and,
-- where the region is open, some room beyond.
local function interval(span)
  local given = {}
  local logarithmic = (span.attributes["data-scale"] or span.attributes.scale) == "log"
  for _, name in ipairs({ "low", "high", "value", "from", "to" }) do
    local number = tonumber(span.attributes["data-" .. name] or span.attributes[name] or "")
    if number and logarithmic then
      number = number > 0 and math.log(number) or nil
    end
    given[name] = number and math.abs(number) < math.huge and number or nil
  end
  local low, high = math.huge, -math.huge
  for _, number in pairs(given) do
    low, high = math.min(low, number), math.max(high, number)
  end
  if not given.value or not (low < high) then
    return nil
  end
  local room = (high - low) / 5
  local function at(number, otherwise)
    return number and math.floor(1000 * (number - low + room) / (high - low + 2 * room) + 0.5) or otherwise
  end
  local value = at(given.value)
  local first, last = at(given.low, value), at(given.high, value)
  local from, to = at(given.from, 0), at(given.to, 1000)
  if not given.from and not given.to then
    from, to = 0, 0
  end
  local shape = { from, to - from, first, last - first, value }
  local shown = pandoc.Inlines(span.content)
  shown:insert(pandoc.Space())
  shown:insert(inline("\\interval{" .. table.concat(shape, "}{") .. "}", "#interval(" .. table.concat(shape, ", ") .. ")"))
  return shown
end

local function span(element)
  local shown
  if element.classes:includes("verdict") then
    shown = verdict(element)
  elseif element.classes:includes("interval") then
    shown = interval(element)
  elseif element.classes:includes("why") then
    shown = wrapped(element.content, "\\why", "#why")
  end
  if element.identifier == "" then
    return shown
  end
  -- what links lead to; in Typst a label needs something that it is of
  local anchor = pandoc.Span({}, { id = element.identifier })
  shown = shown or pandoc.Inlines(element.content)
  if LATEX then
    shown:insert(1, anchor)
  end
  -- at the beginning of a paragraph LaTeX would set the anchor on a line of its own
  shown:insert(1, inline("\\leavevmode ", '#[#metadata(none)#label("' .. element.identifier .. '")]'))
  return shown
end

-- A heading that the contents leave out has no number either, or LaTeX would list it.
local function header(element)
  if element.classes:includes("unlisted") then
    element.classes:insert("unnumbered")
  end
  return element
end

-- Figures are included in PDF, as large as they are drawn where there is room, so that their letters are those of the
-- text.  Typst takes paths from the root, which is the folder above that of the page.
local function image(element)
  local source = element.src:gsub("%.svg$", ".pdf")
  if not LATEX then
    local here = pandoc.path.filename(pandoc.system.get_working_directory())
    source = source:match("^%.%.(/.*)") or ("/" .. here .. "/" .. source)
  end
  element.src = source
  return element
end

-- The number of a figure stays with its word.  A folder is named without a link, which TeX would take for one to a PDF.
local function link(element)
  if LATEX and element.target:match("^%.%./[^:#]*/[^/.]+$") then
    return element.content
  end
  if not element.target:match("^#figure%-") then
    return nil
  end
  element.content = element.content:walk({
    Space = function()
      return pandoc.Str("\u{A0}")
    end,
  })
  return element
end

-- Figures: pictures with their captions and the line that tells their sources, which stay together.

-- The pictures that are all there is in ``blocks``, each with its caption and sources; nil if there is more.
local function pictures(blocks, id)
  local found = pandoc.List()
  local shows = pandoc.Blocks({})
  for _, each in ipairs(blocks) do
    if is(each, "shows") then
      shows:extend(each.content)
    elseif each.t == "Figure" then
      local caption = pandoc.utils.blocks_to_inlines(each.caption.long)
      local own = each.identifier ~= "" and each.identifier or id
      found:insert({
        shows = shows,
        content = each.content,
        caption = caption,
        sources = pandoc.Blocks({}),
        id = own,
      })
      shows = pandoc.Blocks({})
    elseif is(each, "source") and #found > 0 then
      found[#found].sources:extend(each.content)
    elseif each.t == "Div" and not is(each, "source") then
      local inner = pictures(each.content, each.identifier ~= "" and each.identifier or id)
      if not inner then
        return nil
      end
      found:extend(inner)
    else
      return nil
    end
    -- the id of a group is that of its first picture
    id = #found > 0 and "" or id
  end
  return #found > 0 and found or nil
end

-- Numbers come from the Markdown, so that all formats have the same.  Where it has none they are counted.
local count = 0

local function number(found)
  local first = found[1].caption[1]
  if first and first.t == "Strong" and pandoc.utils.stringify(first):match("^Figure ") then
    return
  end
  count = count + 1
  for column, each in ipairs(found) do
    local letter = #found > 1 and (" (%c)"):format(96 + column) or ""
    each.caption:insert(1, pandoc.Space())
    each.caption:insert(1, pandoc.Strong(("Figure %d%s."):format(count, letter)))
  end
end

local function picture(each)
  local shown = pandoc.Blocks({ block("\\begin{picturebox}", '#picturebox("' .. each.id .. '")[') })
  if LATEX and each.id ~= "" then
    shown:insert(pandoc.Plain({ pandoc.Span({}, { id = each.id }) }))
  end
  shown:extend(each.content)
  local caption = pandoc.Inlines({ inline("\\caption*{", "][") })
  caption:extend(each.caption)
  caption:insert(inline("}", ""))
  shown:insert(pandoc.Plain(caption))
  -- below the caption, so that pictures beside each other begin at one height
  if #each.shows > 0 then
    shown:insert(block("\\begin{shows}", "#shows["))
    shown:extend(each.shows)
    shown:insert(block("\\end{shows}", "]"))
  end
  shown:insert(block("\\begin{source}", "]["))
  shown:extend(each.sources)
  shown:insert(block("\\end{source}\n\\end{picturebox}", "]"))
  return shown
end

-- One picture, or its variants beside each other, two in a row: in a third of a page their letters are too small.
local function figure(found)
  number(found)
  local row = math.min(#found, 2)
  local shown = pandoc.Blocks({ block("\\begin{figure}", "#floating(" .. row .. ")[") })
  for column, each in ipairs(found) do
    local begin = row > 1 and "\\begin{variant}" or ""
    if column > 1 then
      -- in one block: a blank line between them would begin a new row
      local apart = column % row == 1 and "\\par\\medskip\n" or "\\hfill\n"
      shown:insert(block("\\end{variant}" .. apart .. begin, "]["))
    elseif LATEX then
      shown:insert(block(begin, ""))
    end
    shown:extend(picture(each))
  end
  shown:insert(block((row > 1 and "\\end{variant}\n" or "") .. "\\end{figure}", "]"))
  return shown
end

-- A heading does not stand alone at the foot of a page: headings, and the first lines or the head and the first rows
-- of a table below them, need so many lines.
local HEADING, TEXT, FRAME, ROWS = 3, 6, 5, 3

-- The lines of a row whose cells wrap; a line of a table in print has some hundred letters.
local LETTERS = 100
local function height(row, columns)
  local most = 1
  for number, cell in ipairs(row.cells) do
    local width = columns[number][2] or 1 / #columns
    local letters = utf8.len(pandoc.utils.stringify(cell.contents)) or 0
    most = math.max(most, math.ceil(letters / (LETTERS * width)))
  end
  return most
end

-- A table that is short does not break: all of its rows count, and the first of a long one.
local SHORT = 8
local function space(tbl)
  local rows = tbl.bodies[1].body
  local needed = FRAME
  for number = 1, #rows <= SHORT and #rows or ROWS do
    needed = needed + height(rows[number], tbl.colspecs)
  end
  return needed
end

local function lines(blocks, i)
  local each = blocks[i]
  if not each then
    return 0
  elseif each.t == "Header" then
    return HEADING + lines(blocks, i + 1)
  elseif each.t == "Table" then
    return space(each)
  end
  return TEXT
end

-- Figures float into whatever follows, but stay before the references and the appendices.
local function back(header)
  return header.identifier == "references" or pandoc.utils.stringify(header):match("^Appendix")
end

local function heading(blocks, i)
  local shown = pandoc.Blocks({})
  if back(blocks[i]) then
    shown:insert(block("\\FloatBarrier", "#place.flush()"))
  end
  shown:insert(block("\\Needspace{" .. lines(blocks, i) .. "\\baselineskip}", ""))
  shown:insert(blocks[i])
  return shown
end

-- Ledgers and tables with many columns are set small, so that seven columns fit the page.  Others than ledgers do not
-- break if they are short.
local function tabular(each, small)
  local shown = pandoc.Blocks({ each })
  if small or #each.colspecs > 4 then
    shown = pandoc.Blocks({ block("\\begin{widetable}", "#widetable["), each, block("\\end{widetable}", "]") })
  end
  if not small and #each.bodies[1].body <= SHORT then
    shown:insert(1, block("\\Needspace{" .. space(each) .. "\\baselineskip}", "#whole["))
    shown:insert(block("", "]"))
  end
  return shown
end

-- A line in bold is a heading of what follows.
local function is_title(each)
  return each.t == "Para" and #each.content == 1 and each.content[1].t == "Strong"
end

-- Small print, which stays with what follows if it stands below a heading.
local function source(div, before)
  local below = before ~= nil and before.t == "Header"
  local shown = pandoc.Blocks({ block("\\begin{source}", "#source(sticky: " .. tostring(below) .. ")[") })
  shown:extend(div.content)
  shown:insert(block("\\end{source}", "]"))
  return shown
end

local arranged

local function one(each, before, small)
  local found = (each.t == "Figure" or each.t == "Div") and pictures({ each }, "")
  if found then
    return figure(found)
  elseif each.t == "Table" then
    return tabular(each, small)
  elseif is(each, "source") then
    return source(each, before)
  elseif is_title(each) then
    return { block("\\Needspace{" .. HEADING .. "\\baselineskip}", "#heads["), each, block("\\nopagebreak", "]") }
  elseif each.t == "Div" then
    each.content = arranged(each.content, is(each, "ledger"))
  end
  return { each }
end

function arranged(blocks, small)
  local shown = pandoc.Blocks({})
  local i = 1
  while i <= #blocks do
    local each, after = blocks[i], blocks[i + 1]
    if each.t == "Header" then
      shown:extend(heading(blocks, i))
    elseif each.t == "Figure" and is(after, "source") then
      shown:extend(figure(pictures({ each, after }, "")))
      i = i + 1
    else
      shown:extend(one(each, blocks[i - 1], small))
    end
    i = i + 1
  end
  return shown
end

-- In LaTeX: the preamble, and in the head of each page the title and the banner of a scale that is not full.
local function head(meta)
  local shown = pandoc.Blocks({ pandoc.RawBlock("latex", PREAMBLE) })
  for _, name in ipairs({ "title", "banner" }) do
    if meta[name] then
      local line = pandoc.Inlines({ pandoc.RawInline("latex", "\\running" .. name .. "{") })
      line:extend(meta[name])
      line:insert(pandoc.RawInline("latex", "}"))
      shown:insert(pandoc.Plain(line))
    end
  end
  return shown
end

-- The contents come after the summary, which is what the first page is for.
local function with_contents(blocks)
  for i, each in ipairs(blocks) do
    if each.t == "Header" and each.identifier ~= "summary" then
      blocks:insert(i, block("\\setcounter{tocdepth}{3}\\tableofcontents", "#outline(depth: 3)"))
      break
    end
  end
  return blocks
end

local function page(document)
  if LATEX then
    document.meta["header-includes"] = pandoc.List({ head(document.meta) })
  end
  document.meta.keywords = document.meta.keywords or KEYWORDS
  document.blocks = arranged(with_contents(document.blocks))
  return document
end

return {
  -- before the verdicts lose their counts
  { Div = verdicts },
  { Div = reasons },
  { Span = span, Link = link, Header = header, Image = image },
  { Pandoc = page },
}
