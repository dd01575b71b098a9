"""The repository: its folders, its pages and the code on them."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PACKAGE = ROOT / "src" / "nanochart"

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts),
]


def name_of(path):
    return str(path.relative_to(ROOT))


def fenced(path, language):
    """Contents of the fences of one language, each padded so that line numbers are the page's."""
    text = path.read_text(encoding="utf-8")
    blocks = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return ["\n" * text[: b.start(1)].count("\n") + b.group(1) for b in blocks]


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
