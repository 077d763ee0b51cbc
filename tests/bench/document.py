"""What all benchmarks write: rows of the report, and their part of docs/benchmarks.md."""

import json
import platform
from pathlib import Path


def add_rows(report, table, rows):
    """Puts a table's rows into the report instead of those that it had. Other tables stay."""
    path = Path(report)
    path.parent.mkdir(parents=True, exist_ok=True)
    others = json.loads(path.read_text()) if path.exists() else []
    path.write_text(json.dumps([row for row in others if row["table"] != table] + rows, indent=1) + "\n")


def replace(target, name, text):
    """Puts a text between the marks of this name."""
    begin, end = f"<!-- {name}: begin (make bench) -->\n", f"<!-- {name}: end -->"
    before, rest = Path(target).read_text().split(begin, 1)
    _, after = rest.split(end, 1)
    Path(target).write_text(f"{before}{begin}\n{text.strip()}\n\n{end}{after}")


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()
