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
  return div:walk({
    Table = function(tbl)
      tbl.bodies = tbl.bodies:map(with_reasons)
      tbl.classes:insert("small")
      return tbl
    end,
  })
end

local function division(div)
  if is(div, "verdicts") then
    return verdicts(div)
  elseif is(div, "ledger") then
    return reasons(div)
  end
end

-- What belongs together stays on a line: "5 %", "n = 3", "≤ 0.1" and "[0.1, 0.2]".
local SIGNS = pandoc.List({ "=", "≤", "≥", "<", ">", "≈", "±", "×" })

local function is_number(text)
  return text:gsub("−", "-"):match("^%[?%-?%d") ~= nil
end

local function together(before, after)
  local number = is_number(after)
  return (after:match("^%%") and before:match("%d$"))
    or (SIGNS:includes(before) and number)
    or (SIGNS:includes(after) and utf8.len(before) == 1)
    or (number and before:match(",$") and before:match("^%[") and is_number(before) and after:match("%d%]"))
end

local function unbroken(inlines)
  local changed = false
  for i = 2, #inlines - 1 do
    local before, each, after = inlines[i - 1], inlines[i], inlines[i + 1]
    local space = each.t == "Space" or each.t == "SoftBreak"
    if space and before.t == "Str" and after.t == "Str" and together(before.text, after.text) then
      inlines[i] = pandoc.Str("\u{A0}")
      changed = true
    end
  end
  return changed and inlines or nil
end

-- The columns of a table, by what its words and lines need.

-- How wide letters of Computer Modern are, in thousandths of its size.
local LETTER, WIDTHS = 530, {}
for width, letters in pairs({
  [280] = ".,;:'!|il[]·",
  [390] = "()rstfjI-\u{A0} ",
  [450] = "cez/",
  [500] = "0123456789–“”\"a",
  [740] = "ABCDEFGHJKLNOPQRSTUVXYZw",
  [790] = "=+<>≤≥×±−≈✓⁻⁺",
  [850] = "m%—",
  [1000] = "MW→",
}) do
  for _, code in utf8.codes(letters) do
    WIDTHS[code] = width
  end
end
local BOLD, CODE, BAR = 1.15, 525, 50

local function letters_wide(text, factor, fixed)
  local wide = 0
  for _, code in utf8.codes(text) do
    wide = wide + (fixed or WIDTHS[code] or LETTER)
  end
  return wide / 1000 * factor
end

-- The words of ``inlines`` are added to ``words``, each as wide as its letters for a font of 1 pt and what is wide in
-- points of itself; a break between two is a space or the end of a line.
local function measure(inlines, words, factor)
  for _, each in ipairs(inlines) do
    local word = words[#words]
    if each.t == "Link" and each.target:match("^#figure%-") then
      word.em = word.em + letters_wide(pandoc.utils.stringify(each.content), factor)
    elseif each.t == "Space" or each.t == "SoftBreak" then
      words:insert({ em = 0, pt = 0 })
    elseif each.t == "LineBreak" then
      words:insert({ em = 0, pt = 0, line = true })
    elseif each.t == "Str" then
      -- long words break behind a hyphen
      local long = utf8.len(each.text) > 14
      for part in each.text:gmatch(long and "[^-]*-?" or ".*") do
        if word.em > 0 and long and word.hyphen and part ~= "" then
          word = { em = 0, pt = 0, joined = true }
          words:insert(word)
        end
        word.em = word.em + letters_wide(part, factor)
        word.hyphen = part:match("%a%-$") ~= nil
      end
    elseif each.t == "Code" then
      word.em = word.em + letters_wide(each.text, factor, CODE)
    elseif each.t == "Math" then
      word.em = word.em + letters_wide(each.text, factor)
    elseif each.t == "Quoted" then
      word.em = word.em + 0.5
      measure(each.content, words, factor)
      words[#words].em = words[#words].em + 0.5
    elseif each.t == "Span" and each.classes:includes("verdict") then
      word.em = word.em + 0.9 + letters_wide(pandoc.utils.stringify(each.content), factor * BOLD)
    elseif each.t == "Span" and each.classes:includes("interval") then
      measure(each.content, words, factor)
      words:insert({ em = 0, pt = BAR })
    elseif each.t ~= "Note" and each.content then
      measure(each.content, words, each.t == "Strong" and factor * BOLD or factor)
    end
  end
end

local SPACE = 0.33

-- The widest word of a cell, its widest line, and all of its lines, for a font of ``size`` points.
local function needs(cell, size, factor)
  local widest, longest, all = 0, 0, 0
  for _, each in ipairs(cell.contents) do
    local words = pandoc.List({ { em = 0, pt = 0 } })
    if each.t == "Plain" or each.t == "Para" then
      measure(each.content, words, factor)
    else
      words[1].em = letters_wide(pandoc.utils.stringify(each), factor) / 2
    end
    local line = 0
    for number, word in ipairs(words) do
      local wide = word.em * size + word.pt
      local apart = (word.line or word.joined or number == 1) and 0 or SPACE * size
      line = (word.line and 0 or line) + apart + wide
      widest, longest, all = math.max(widest, wide), math.max(longest, line), all + apart + wide
    end
  end
  return widest, longest, all
end

local TEXT_WIDTH = 466
-- How large letters are, and the space beside a column: the text, small and tiny print of preamble.tex or page.typ.
-- Letters of LaTeX are the wider the smaller they are.
local PRINTS = LATEX and { { "", 10, 12 }, { "small", 8.5, 6 }, { "tiny", 8, 4 } }
  or { { "", 10, 8 }, { "small", 8.2, 4 }, { "tiny", 7.2, 3 } }

local function each_cell(tbl, visit)
  local function see(rows, head)
    for _, row in ipairs(rows) do
      local column = 1
      for _, cell in ipairs(row.cells) do
        visit(column, cell, head)
        column = column + cell.col_span
      end
    end
  end
  see(tbl.head.rows, true)
  for _, body in ipairs(tbl.bodies) do
    see(body.body, false)
  end
end

local SHORT_CELL = 45

-- For each column at least how wide it is, at most, and its weight among the others.
local function columns(tbl, size)
  local found = pandoc.List()
  for number, spec in ipairs(tbl.colspecs) do
    found[number] = { least = 6, most = 6, weight = 1, right = spec[1] == "AlignRight" }
  end
  each_cell(tbl, function(number, cell, head)
    local column = found[number]
    if cell.col_span > 1 then
      return
    end
    local widest, longest, all = needs(cell, size, head and not LATEX and BOLD or 1)
    column.least = math.max(column.least, widest, column.right and not head and longest or 0)
    column.most = math.max(column.most, column.least, head and 0 or longest)
    -- a long line counts more than many short ones
    column.weight = column.weight + (head and 0 or longest * all)
  end)
  for _, column in ipairs(found) do
    -- widths of letters are rounded; a short cell stays on one line
    column.most = column.most * 1.03 + 1
    column.least = column.most < SHORT_CELL and column.most or column.least * 1.03 + 1
    column.weight = math.sqrt(column.weight)
  end
  return found
end

local function least(column)
  return column.least
end

local function most(column)
  return column.most
end

local function sum(found, width)
  local all = 0
  for _, column in ipairs(found) do
    all = all + width(column)
  end
  return all
end

-- What is to be had, by weight between the least and the most of each; the widest have less where all is too little.
local function shared(found, room)
  local function by(level)
    return function(column)
      return math.min(column.most, math.max(column.least, level * column.weight))
    end
  end
  if sum(found, least) > room then
    by = function(level)
      return function(column)
        return math.min(column.least, level)
      end
    end
  end
  local low, high = 0, TEXT_WIDTH
  for _ = 1, 40 do
    local level = (low + high) / 2
    if sum(found, by(level)) > room then
      high = level
    else
      low = level
    end
  end
  return found:map(by(low))
end

-- Tables of many columns, and ledgers, are small, and tiny where their words would not leave room for longer lines.
local FULL = 0.9
local function with_widths(tbl)
  local count = #tbl.colspecs
  local first = (tbl.classes:includes("small") or count > 4) and 2 or 1
  local found, room, name, beside
  for number = first, #PRINTS do
    local size
    name, size, beside = table.unpack(PRINTS[number])
    room = TEXT_WIDTH - beside * (LATEX and count - 1 or count)
    found = columns(tbl, size)
    if sum(found, least) <= FULL * room then
      break
    end
  end
  local fits = sum(found, most) <= room
  tbl.classes = name == "" and {} or { name }
  local given = tbl.colspecs[1][2]
  if fits and not given and name ~= "tiny" then
    return tbl
  end
  local widths = shared(found, room)
  tbl.colspecs = tbl.colspecs:map(function(spec, number)
    return { spec[1], LATEX and widths[number] / room or (widths[number] + beside) / TEXT_WIDTH }
  end)
  return tbl
end

-- The words of a page and then its tables, which are as wide as these.  The title is left as it is: it is the file's
-- as well.
local function measured(document)
  document.blocks = document.blocks:walk({ Inlines = unbroken, Table = with_widths })
  return document
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
local function height(row, specs)
  local most, column = 1, 1
  for _, cell in ipairs(row.cells) do
    local width = 0
    for number = column, math.min(column + cell.col_span - 1, #specs) do
      width = width + (specs[number][2] or 1 / #specs)
    end
    column = column + cell.col_span
    local letters = utf8.len(pandoc.utils.stringify(cell.contents)) or 0
    most = math.max(most, math.ceil(letters / (LETTERS * width)))
  end
  return most
end

local function tall(tbl, count)
  local rows, needed = tbl.bodies[1].body, FRAME
  for number = 1, math.min(#rows, count) do
    needed = needed + height(rows[number], tbl.colspecs)
  end
  return needed
end

-- A table that is short does not break: all of its rows count, and the first of a long one.
local SHORT, LOW = 8, 24
local function is_short(tbl)
  return #tbl.bodies[1].body <= SHORT and tall(tbl, SHORT) <= LOW
end

local function space(tbl)
  return tall(tbl, is_short(tbl) and SHORT or ROWS)
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
  return header.identifier == "works-cited" or pandoc.utils.stringify(header):match("^Appendix")
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

-- Others than ledgers do not break if they are short.  Before a table that breaks come the figures that wait, and its
-- last rows stay together.
local LAST, SMALL = 3, 0.8
local function tabular(each, ledger)
  local small, tiny = each.classes:includes("small"), each.classes:includes("tiny")
  each.classes = {}
  local whole = not ledger and is_short(each)
  local rows = each.bodies[1].body
  if LATEX and not whole and not ledger and #rows > SHORT then
    for number = #rows - LAST + 1, #rows - 1 do
      kept(rows[number])
    end
    each.bodies[1].body = rows
  end
  local shown = pandoc.Blocks({ each })
  if small or tiny then
    local name = tiny and "tinytable" or "widetable"
    shown:insert(1, block("\\begin{" .. name .. "}", "#" .. name .. "["))
    shown:insert(block("\\end{" .. name .. "}", "]"))
  end
  if whole then
    shown:insert(1, block("\\Needspace{" .. space(each) .. "\\baselineskip}", "#whole["))
    shown:insert(block("", "]"))
  else
    local lines_high = tall(each, #rows) * ((small or tiny) and SMALL or 1)
    shown:insert(1, block(("\\figuresfirst{%.1f\\baselineskip}"):format(lines_high), ""))
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
  -- wide variants are figures of their own
  local shows = (each.t == "Figure" or each.t == "Div") and not is(each, "wide")
  local found = shows and pictures({ each }, "")
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
  { Div = division },
  { Pandoc = measured },
  { Span = span, Link = link, Header = header, Image = image },
  { Pandoc = page },
}
