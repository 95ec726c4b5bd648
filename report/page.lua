-- What Markdown cannot say by itself, for the HTML of a page.

-- The banner of a scale that is not full stands on every page.
function Meta(meta)
  local banner = meta.banner and pandoc.utils.stringify(meta.banner)
  if banner then
    meta["include-before"] = pandoc.List({
      pandoc.RawBlock("html", '<div class="banner" role="note">' .. banner .. "</div>"),
    })
  end
  return meta
end
