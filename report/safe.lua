-- What a page may hold, whoever wrote its study: nothing in it reads a file, runs in a browser or is code for TeX or
-- Typst.  This filter is the first; what others add is not looked at.

local ATTRIBUTES = pandoc.List({
  "aria-hidden", "aria-label", "data-count", "data-from", "data-high", "data-low", "data-scale", "data-to", "data-value",
  "height", "role", "summary", "title", "width",
})
local META = pandoc.List({
  "abstract", "author", "banner", "bibliography", "date", "lang", "link-citations", "nocite", "references", "subtitle",
  "title",
})
local SCHEMES = pandoc.List({ "http", "https", "mailto" })

local function refuse(...)
  io.stderr:write("the page holds " .. table.concat({ ... }) .. "\n")
  os.exit(1)
end

local function attributed(element)
  if not element.identifier:match("^[%w_:.\128-\255-]*$") then
    refuse("the id '", element.identifier, "'; an id is of letters, digits and hyphens")
  end
  for _, class in ipairs(element.classes) do
    if not class:match("^[%w_-]+$") then
      refuse("the class '", class, "'; a class is of letters, digits and hyphens")
    end
  end
  for name, value in pairs(element.attributes) do
    -- the parts of a bar have their lengths in a style
    if not ATTRIBUTES:includes(name) and not (name == "style" and value:match("^flex:%d+$")) then
      refuse("the attribute '", name, "', which has no meaning here")
    end
  end
  local summary = element.attributes.summary
  if summary then
    -- page.lua writes it as HTML
    element.attributes.summary = summary:gsub("&", "&amp;"):gsub("<", "&lt;")
    return element
  end
end

local function image(element)
  if not element.src:match("^%.%./figures/") or element.src:find("..", 3, true) then
    refuse("the picture '", element.src, "'; only figures of the results can be shown")
  end
  return attributed(element)
end

local function link(element)
  -- browsers pass over spaces and control characters
  local scheme = element.target:gsub("[%z\1-\32]", ""):match("^([%w+.-]+):")
  if scheme and not SCHEMES:includes(scheme:lower()) then
    refuse("a link to '", element.target, "'; a link begins with https, http or mailto")
  end
  return attributed(element)
end

-- pandoc's reader of formulas knows commands that make symbols and no others; these it passes over.
local function math(element)
  local text = element.text:gsub("\\%%", "")
  for _, passed in ipairs({ "^^", "%", "\\label", "\\tag", "\\hyperref", "\\color", "\\newcommand", "\\renewcommand" }) do
    if text:find(passed, 1, true) then
      refuse("the formula $", element.text, "$; ", passed, " cannot stand in a formula")
    end
  end
  local document = pandoc.Pandoc({ pandoc.Plain({ element }) })
  if not pandoc.write(document, "html", { html_math_method = "mathml" }):find("<math", 1, true) then
    refuse("the formula $", element.text, "$, which cannot be read")
  end
end

local function raw(element)
  refuse("'", element.text, "' as code of ", element.format)
end

local function meta(values)
  -- what the command line says of the bibliography comes before what a text says
  for name, _ in pairs(values) do
    if not META:includes(name) then
      refuse("a block of settings with '", name, "'; settings of a page cannot be stated in its text")
    end
  end
end

return {
  {
    Meta = meta,
    Math = math,
    Image = image,
    Link = link,
    RawBlock = raw,
    RawInline = raw,
    Span = attributed,
    Div = attributed,
    Header = attributed,
    Code = attributed,
    CodeBlock = attributed,
    Table = attributed,
    Figure = attributed,
  },
}
