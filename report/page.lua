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

-- Tables with wrapping columns are set small, so that seven columns fit the page.
function Table(tbl)
  if FORMAT == "latex" and #tbl.colspecs > 4 then
    return { pandoc.RawBlock("latex", "\\begin{widetable}"), tbl, pandoc.RawBlock("latex", "\\end{widetable}") }
  end
  return tbl
end

-- The banner of a scale that is not full stands on every page.
function Meta(meta)
  if meta.banner then
    local text = pandoc.utils.stringify(meta.banner)
    if FORMAT == "latex" then
      local includes = meta["header-includes"] or pandoc.List()
      meta["header-includes"] = pandoc.List({ pandoc.RawBlock("latex", "\\fancyhead[C]{\\banner{" .. text .. "}}") })
      for _, block in ipairs(includes) do
        meta["header-includes"]:insert(block)
      end
    else
      meta["include-before"] = pandoc.List({
        pandoc.RawBlock("html", '<div class="banner" role="note">' .. text .. "</div>"),
      })
    end
  end
  return meta
end
