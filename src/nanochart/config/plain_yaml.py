"""Configuration files: plain YAML of bounded size.

Values are text, numbers, true, false and null, in lists and in mappings in which a key stands once.
There are no tags, which would call Python; what an alias repeats counts as often as it stands
there, so a few lines cannot unfold to gigabytes. Numbers are decimal: 012 is twelve, 1:30 is text.
"""

import math
import re
from pathlib import Path
from typing import Any

import yaml

from nanochart.errors import ConfigError

__all__ = ["read_yaml"]

_MOST_CHARACTERS = 200_000
_MOST_VALUES = 100_000
_DEEPEST = 32
_LONGEST = 1_000
#: Digits of a number; more are text, and so refused where a number must stand.
_INTEGER = re.compile(r"[-+]?[0-9]{1,100}")
_REAL = re.compile(r"[-+]?([0-9]{1,100}(\.[0-9]{0,100})?|\.[0-9]{1,100})([eE][-+]?[0-9]{1,9})?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", "+.inf", ".Inf", ".INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
#: What nodes without a tag have where no word is resolved.
_UNTAGGED = {"tag:yaml.org,2002:" + kind for kind in ("str", "seq", "map")}


class _FileError(Exception):
    """What is wrong with a file, without its name."""


def read_yaml(path: Path, missing: str) -> Any:
    """Read a configuration file.

    Parameters
    ----------
    path
        The file.
    missing
        What to say where there is none.

    Raises
    ------
    ConfigError
        If it cannot be read, is no plain YAML, or is larger than any configuration.
    """
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_MOST_CHARACTERS + 1)
    except FileNotFoundError:
        raise ConfigError(missing) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"the configuration {path} is not a readable text file: {reason}"
        ) from None
    if len(text) > _MOST_CHARACTERS:
        raise ConfigError(
            f"{path} is not valid YAML: it is longer than {_MOST_CHARACTERS:,} characters"
        )
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
        return _Values().of(root, 0) if root else None
    except RecursionError:
        reason = f"it is nested deeper than {_DEEPEST} levels"
    except (yaml.YAMLError, _FileError) as error:
        reason = " ".join(str(error).split())
    raise ConfigError(f"{path} is not valid YAML: {reason}")


class _Values:
    """The values of nodes, of which there may be only so many, aliases unfolded."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def of(self, node: yaml.Node, depth: int) -> Any:
        self._left -= 1
        where = f"in line {node.start_mark.line + 1}" if node.start_mark else ""
        if self._left < 0:
            raise _FileError(f"it unfolds to more than {_MOST_VALUES:,} values")
        if depth > _DEEPEST:
            raise _FileError(f"it is nested deeper than {_DEEPEST} levels {where}")
        if node.tag not in _UNTAGGED:
            raise _FileError(f"tags are not taken; got {node.tag!r:.60} {where}: leave it out")
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node, where)
        if isinstance(node, yaml.SequenceNode):
            return [self.of(item, depth + 1) for item in node.value]
        values: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                raise _FileError(f"a key must be a word; got another {where}")
            _check_length(key.value, where)
            if key.value in values:
                raise _FileError(f"the key {key.value!r:.60} stands twice {where}")
            values[key.value] = self.of(value, depth + 1)
        return values


def _check_length(text: str, where: str) -> None:
    if len(text) > _LONGEST:
        raise _FileError(
            f"a word or a value must have {_LONGEST:,} characters at most; got {len(text):,} "
            f"{where}"
        )


def _scalar(node: yaml.ScalarNode, where: str) -> Any:
    text: str = node.value
    _check_length(text, where)
    if node.style is not None:  # quoted
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _REAL.fullmatch(text):
        return float(text)
    return text
