"""Writes small workbooks, as spreadsheets do: texts inline or shared, dates by their style."""

import io
import zipfile
from datetime import datetime
from xml.sax.saxutils import escape

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OF_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
OF_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
STYLES = (
    f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy\\ hh:mm"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="2"/></cellXfs></styleSheet>'
)


def workbook(parts=None, **sheets):
    """Give the bytes of a workbook; each sheet is a list of rows, `parts` replace its parts."""
    texts = []
    held = {
        "xl/workbook.xml": (
            f'<workbook {MAIN} xmlns:r="{OF_DOCUMENT}"><sheets>'
            + "".join(f'<sheet name="{escape(name.replace("_", " "))}" sheetId="{n}" r:id="rId{n}"/>'
                      for n, name in enumerate(sheets, 1)) + "</sheets></workbook>"
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{OF_PACKAGE}">'
            + "".join(f'<Relationship Id="rId{n}" Target="worksheets/sheet{n}.xml"/>'
                      for n in range(1, len(sheets) + 1)) + "</Relationships>"
        ),
        "xl/styles.xml": STYLES,
        **{f"xl/worksheets/sheet{n}.xml": _sheet(rows, texts)
           for n, rows in enumerate(sheets.values(), 1)},
    }  # fmt: skip
    held["xl/sharedStrings.xml"] = (
        f"<sst {MAIN}>" + "".join(f"<si><t>{escape(text)}</t></si>" for text in texts) + "</sst>"
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**held, **(parts or {})}.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _sheet(rows, texts):
    written = "".join(
        f'<row r="{number}">'
        + "".join(_cell(f"{chr(65 + place)}{number}", value, texts)
                  for place, value in enumerate(row) if value is not None) + "</row>"
        for number, row in enumerate(rows, 1) if row
    )  # fmt: skip
    return f"<worksheet {MAIN}><sheetData>{written}</sheetData></worksheet>"


def _cell(place, value, texts):
    if isinstance(value, datetime):
        days = (value - datetime(1899, 12, 30)).total_seconds() / 86_400
        return f'<c r="{place}" s="1"><v>{days!r}</v></c>'
    if isinstance(value, str):
        texts.append(value)
        return f'<c r="{place}" t="s"><v>{len(texts) - 1}</v></c>'
    return f'<c r="{place}" s="2"><v>{value}</v></c>'
