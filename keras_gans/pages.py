"""Reports as single HTML files that need no network: the page, and pictures as data URIs."""

import base64
import functools
import html
import io

import matplotlib

CSS = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 1120px;
  margin: 2em auto; padding: 0 1.2em }
h1, h2, h3 { line-height: 1.2 } h2 { margin-top: 2.4em; border-top: 1px solid #ddd;
  padding-top: 1em } h3 { margin: 1.6em 0 .3em }
table { border-collapse: collapse; font-size: 13px; margin: 1em 0 }
th, td { padding: .3em .7em; text-align: right; border-bottom: 1px solid #e4e4e4;
  font-variant-numeric: tabular-nums }
th { vertical-align: bottom } td { white-space: nowrap }
th:first-child, td:first-child { text-align: left }
td.good { background: #e2f3e4 } td.bad { background: #fbe5e3 }
.row { display: flex; gap: 12px; align-items: center; flex-wrap: wrap }
.row img { max-width: 100% } .plots { flex: 1 1 600px; min-width: 0 }
img { max-width: 100% } .paper { color: #666; font-size: 13px } a { color: #1f5fb4 }
code { background: #f4f4f4; padding: 0 .25em } dt { font-weight: 600 } dd { margin: 0 0 .6em 1.2em }
"""
STYLE = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "keras_gans",  # the same report from the same runs
}


def page(title, body, css=""):
    """Return a whole HTML page.

    Example:
        >>> page("A title", "<p>some text</p>").startswith("<!DOCTYPE html>")
        True
    """
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title>"
        f'<meta name="viewport" content="width=device-width"><style>{CSS}{css}</style></head>'
        f"<body><h1>{html.escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def image(uri, alt):
    """Return an image element."""
    return f'<img src="{uri}" alt="{html.escape(alt)}">'


def data_uri(kind, content):
    """Return bytes of an image of a kind such as "png" as a URI.

    Example:
        >>> data_uri("png", b"abc")
        'data:image/png;base64,YWJj'
    """
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def png_uri(picture):
    """Return a Pillow image as a URI."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return data_uri("png", buffer.getvalue())


def styled(draw):
    """Let a function that returns a figure draw it in the reports' style, as an SVG's data URI."""

    @functools.wraps(draw)
    def drawn(*arguments):
        buffer = io.BytesIO()
        with matplotlib.rc_context(STYLE):
            draw(*arguments).savefig(buffer, format="svg", metadata={"Date": None})
        return data_uri("svg+xml", buffer.getvalue())

    return drawn
