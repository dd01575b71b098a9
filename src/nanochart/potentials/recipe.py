"""How a user's own file names a calculator: an import path and arguments. Never called by a run."""

import importlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from nanochart.errors import ConfigError

__all__ = ["CalculatorRecipe"]

_WORD: Final = r"[^\W\d]\w*(\.[^\W\d]\w*)*"
_PATH: Final = re.compile(rf"{_WORD}:{_WORD}")


@dataclass(frozen=True)
class CalculatorRecipe:
    """An import path ``module:factory`` whose call with the arguments gives an ASE calculator.

    A run records it, so that it can be told whether the same is handed over again. Only `call`
    imports anything: it is for what a user wrote, and never for what a stored run says.

    Attributes
    ----------
    ase
        Import path, as "ase.calculators.emt:EMT".
    arguments
        Keywords of the factory, plain JSON values.

    Raises
    ------
    ConfigError
        If the path is none, or the arguments are not plain values.
    """

    ase: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.ase, str) or not _PATH.fullmatch(self.ase):
            raise ConfigError(
                "the path of an ASE calculator must be module:factory, as ase.calculators.emt:EMT; "
                f"got {self.ase!r:.200}"
            )
        try:
            plain = json.loads(json.dumps(dict(self.arguments), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"the arguments of {self.ase} must be numbers, words, lists and mappings by name; "
                f"got {self.arguments!r:.200} ({error})"
            ) from None
        object.__setattr__(self, "arguments", plain)

    def call(self) -> Any:
        """Import the factory and call it.

        Raises
        ------
        ConfigError
            If it cannot be imported or fails.
        """
        module, _, name = self.ase.partition(":")
        try:
            found: Any = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
        except Exception as error:
            raise ConfigError(
                f"{self.ase} cannot be imported ({type(error).__name__}: {error}): install what it "
                "is of, or put the folder of your own module on PYTHONPATH"
            ) from error
        try:
            return found(**self.arguments)
        except Exception as error:
            raise ConfigError(
                f"{self.ase} failed when it was called with {dict(self.arguments)!r:.200} "
                f"({type(error).__name__}: {error})"
            ) from error

    def to_record(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"ase": self.ase, "arguments": dict(self.arguments)}
