"""Writes DATA.tsv: every training picture with its licence and credit.

    python datalist.py OPEN
"""
import pathlib
import re
import sys

import data


def main(root):
    books, lines = {}, []
    for p in data.pictures(root):
        credit, name = p["credit"], p["file"].removeprefix(p["set"] + "/images/")
        m = re.match(r"(.*?) \(OpenStax, (github\.com/\S+) @(\w+) ([^)]*)\)\s*;?\s*(.*)", credit)
        if m:
            books[name.split("/")[0]] = f"{m[1]}, {m[2]} at {m[3]}"
            credit = m[5]
        licence = p["licence"].replace("CC BY 4.0 (book licence; no licence named in the credit)", "CC BY 4.0 (book)")
        lines.append("\t".join((p["set"], name, licence, " ".join(credit.split()))))
    head = ["# Training pictures: set, file, licence, credit. 'CC BY 4.0 (book)': the credit names no licence, the book's applies.",
            "# OpenStax books, by the first part of the file name (media/ in the repository):"]
    head += [f"#   {k}: {v}" for k, v in sorted(books.items())]
    out = pathlib.Path(__file__).with_name("DATA.tsv")
    out.write_text("\n".join(head + lines) + "\n", encoding="utf8")
    print(len(lines), out.stat().st_size)


if __name__ == "__main__":
    main(sys.argv[1])
