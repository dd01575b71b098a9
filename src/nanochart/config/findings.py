"""What is wrong with values that do not fit their settings, in one sentence."""

import difflib
import re
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from nanochart.errors import ConfigError

__all__ = ["validated"]

Config = TypeVar("Config", bound=BaseModel)


def validated(kind: type[Config], values: Any, where: str) -> Config:
    """Values checked against a kind of settings; what is wrong becomes one sentence."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        sentences = [_sentence(kind, item) for item in _findings(error)]
        raise ConfigError(f"{where}: " + "; ".join(sentences)) from None


def _findings(error: ValidationError) -> list[dict[str, Any]]:
    """One finding for each place, without the names of types that pydantic puts in its path.

    Of a field that may be a number or a list, what is wrong with the list's items counts.
    """
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for item in error.errors():
        path = tuple(p for p in item["loc"] if isinstance(p, int) or not re.search(r"[\[\-]", p))
        if item["type"] == "extra_forbidden" and path[-1:] != item["loc"][-1:]:
            path = (*path, item["loc"][-1])  # a key of the file's, whatever it looks like
        found[path] = {**item, "loc": path}
    return [item for path, item in found.items()
            if not any(other[: len(path)] == path != other for other in found)]  # fmt: skip


def _sentence(kind: type[BaseModel], item: Any) -> str:
    """Path, unit, what is wrong and what was got, of one of pydantic's findings."""
    path = ".".join(str(part) for part in item["loc"])
    if item["type"] == "missing":
        unit = _unit(kind, item["loc"])
        return f"{path}{unit} is missing"
    if item["type"] == "extra_forbidden":
        known = _fields(kind, item["loc"][:-1])
        alike = difflib.get_close_matches(str(item["loc"][-1]), known, n=1)
        fields = f"its fields are {', '.join(known)}" if known else "leave it out"
        remedy = f"did you mean {alike[0]}?" if alike else fields
        return f"{path:.200} is not a field of the configuration: {remedy}"
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "value_error":
        return f"{path}: {message}" if path else message
    message = message.replace("Input should be", "must be")
    return f"{path}{_unit(kind, item['loc'])} {message}; got {item['input']!r:.200}"


def _fields(kind: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    """Names of the fields of the section at a path."""
    model: Any = kind
    for part in loc:
        if isinstance(part, str):  # an item of a list is of the section that the list is of
            field = getattr(model, "model_fields", {}).get(part)
            model = _section(field.annotation) if field else None
    return list(getattr(model, "model_fields", {}))


def _unit(kind: type[BaseModel], loc: tuple[Any, ...]) -> str:
    """Unit of the field at a path, as " (K)"."""
    model: Any = kind
    for part in loc:
        if not isinstance(part, str):
            continue
        field = getattr(model, "model_fields", {}).get(part)
        if field is None:
            return ""
        extra = field.json_schema_extra
        if isinstance(extra, dict) and "unit" in extra:
            return f" ({extra['unit']})"
        model = _section(field.annotation)
    return ""


def _section(annotation: Any) -> Any:
    """The section of a field that may be left out, ``Section | None``."""
    # A part may be annotated with what tells it from the others.
    parts = [getattr(part, "__origin__", part) for part in get_args(annotation)]
    parts = [part for part in parts if hasattr(part, "model_fields")]
    return parts[0] if parts else annotation
