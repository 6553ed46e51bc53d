"""The key sheet: two copies of a key on paper, so that a broken disk does not lose every signature."""

import io
import json
from datetime import date

import segno
import typst

_TEMPLATE = """
#let sheet = json(bytes(sys.inputs.sheet))
#set document(title: "Key sheet", date: none)
#let foot = context align(center, text(8pt)[copy #counter(page).display() of 2])
#set page(paper: "a4", margin: (x: 25mm, y: 22mm), footer: foot)
#set text(font: "Libertinus Serif", size: 10.5pt)
#set par(leading: 0.7em)
#let copy(n) = [
  = Key of a petition's organiser
  Copy #n of 2. Made on #sheet.made.
  #v(2mm)
  #sheet.meaning
  #v(4mm)
  #image(bytes(sheet.qr), format: "svg", width: 62mm)
  #v(2mm)
  #text(font: "DejaVu Sans Mono", size: 9.5pt, sheet.key.split("\\n").map(line => raw(line)).join(linebreak()))
  #v(4mm)
  *Public half, to tell keys apart:* #raw(sheet.public)
  #v(6mm)
  #grid(columns: (38mm, 1fr), row-gutter: 9mm,
    [Kept by], line(length: 100%, stroke: 0.4pt),
    [Place], line(length: 100%, stroke: 0.4pt),
    [Since], line(length: 100%, stroke: 0.4pt),
    [Passphrase kept by], line(length: 100%, stroke: 0.4pt),
  )
  #v(6mm)
  *To use it again:* scan the code or type the lines above into a file, then `sabal open FILE --identity THAT_FILE`.
]
#copy(1)
#pagebreak()
#copy(2)
"""

_LOCKED = (
    "Anyone who has this sheet and the passphrase can read the names of all who signed. If all copies or the"
    " passphrase are lost, nobody can read them ever again. Keep the two copies with two people in two places,"
    " and the passphrase apart from both."
)
_OPEN = (
    "Anyone who has this sheet can read the names of all who signed: this key is not locked with a passphrase. If"
    " all copies are lost, nobody can read them ever again. Keep the two copies with two people in two places."
)


def key_sheet(key: str, public: str, *, locked: bool, made: date) -> bytes:
    """Return a PDF of two pages. Each page has the key as a code to scan and as text.

    `key` is the key file's text (ASCII).
    """
    code = io.BytesIO()
    segno.make(key, error="l", micro=False).save(code, kind="svg", border=1, xmldecl=False)
    sheet = {
        "made": made.isoformat(),
        "meaning": _LOCKED if locked else _OPEN,
        "key": key.strip(),
        "public": f"{public[:18]} … {public[-12:]}",
        "qr": code.getvalue().decode(),
    }
    return bytes(
        typst.compile(_TEMPLATE.encode(), format="pdf", sys_inputs={"sheet": json.dumps(sheet)}, timestamp=0)
    )
