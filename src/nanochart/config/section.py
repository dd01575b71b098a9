"""A part of a configuration."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Section", "field_of"]


class Section(BaseModel):
    """A part of a configuration: fields that are known, finite and never changed in place."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def field_of(default: Any = ..., *, unit: str = "", **limits: Any) -> Any:
    """A field with its unit and limits."""
    return Field(default, json_schema_extra={"unit": unit} if unit else None, **limits)
