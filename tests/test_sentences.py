"""The grammar of error sentences, of every ``raise`` in the package."""

import ast
import re
from pathlib import Path

import pytest

import nanochart

PACKAGE = Path(nanochart.__file__).parent
#: Names that are written with a capital at the beginning of a sentence.
NAMES = {"Dask", "Numba", "Zarr"}


def text_of(node):
    """The sentence of an expression with each value as ``{expression}``; None if it is no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = (part if isinstance(part, ast.Constant) else part.value for part in node.values)
        return "".join(
            part.value if isinstance(part, ast.Constant) else f"{{{ast.unparse(part)}}}"
            for part in parts
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [text_of(side) for side in (node.left, node.right)]
        if any(side is not None for side in sides):
            return "".join("{...}" if side is None else side for side in sides)
    return None


def faults(sentence):
    """What is wrong with a sentence, as far as a rule can tell."""
    values = re.findall(r"\{([^{}]*)\}", sentence)
    plain = re.sub(r"\{[^{}]*\}", "{}", sentence)
    first = plain.split(maxsplit=1)[0] if plain.split() else ""
    tells = re.search(r"\bgot\b|[:;]|\b(and|but) (it|its)\b|\bdoes not\b", plain)
    rules = {
        "is empty": not first,
        "has more than one line": "\n" in plain,
        "has two spaces in a row": "  " in plain,
        "begins or ends with a space": plain != plain.strip(),
        "ends with a stop": re.search(r"(?<!\.\.)[.!?]$", plain),
        "is more than one sentence": re.search(r"[.!?] [A-Z][a-z]", plain),
        "begins with a capital": re.fullmatch(r"[A-Z][a-z]+\W?", first) and first not in NAMES,
        "shows a class as Python prints it": any(
            re.fullmatch(r"type\([\w.]+\)|[\w.]+\.__class__", value) for value in values
        ),
        "says neither what was got nor what to do": " must " in plain and not tells,
    }
    return [fault for fault, found in rules.items() if found]


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        ("x must be 1; got {x!r}", None),
        ("{path} is not a run: give one", None),
        ("hand it over again, as potential=...", None),
        ("X must be 1; got {x}", None),  # a symbol
        ("Value must be 1; got {x}", "begins with a capital"),
        ("x must be 1; got {x}.", "ends with a stop"),
        ("x is 2. It must be 1: change it", "is more than one sentence"),
        ("x must be 1;  got {x}", "has two spaces in a row"),
        ("x must be a number; got {type(x)}", "shows a class as Python prints it"),
        ("x must be 1", "says neither what was got nor what to do"),
        ("x must be 1;\ngot {x}", "has more than one line"),
        ("x must be 1; got {x} ", "begins or ends with a space"),
    ],
)
def test_faults_of_sentences_are_seen(sentence, fault):
    assert faults(sentence) == ([fault] if fault else [])


def test_error_sentences_are_well_formed():
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            error = node.exc if isinstance(node, ast.Raise) else None
            if isinstance(error, ast.Call) and error.args:
                sentence = text_of(error.args[0])
                if sentence is not None and (wrong := faults(sentence)):
                    found[f"{path.name}:{node.lineno}: {sentence}"] = wrong
    assert found == {}
