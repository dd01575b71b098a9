"""The lines of a LAMMPS input that make a potential, as a user's file has them."""

import hashlib
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from nanochart.errors import ConfigError

__all__ = ["LammpsInput"]

#: Commands that come before the atoms, and after them; all others act on a simulation.
_BEFORE: Final = ("atom_style", "newton", "package", "suffix", "processors")
_AFTER: Final = (
    "pair_style", "pair_coeff", "pair_modify", "kspace_style", "kspace_modify", "special_bonds",
    "neighbor", "neigh_modify",
)  # fmt: skip
_LARGEST: Final = 1_000_000  # bytes of an input: its tables are files of their own
#: A symbol of an element is no file, even where one has its name.
_SYMBOL: Final = re.compile(r"[A-Z][a-z]?")


@dataclass(frozen=True)
class LammpsInput:
    """Commands ``pair_style``, ``pair_coeff`` and what belongs to them, for one type of atoms.

    A run records the commands and the checksums of the files that they name, so that it can be
    told whether the same is handed over again. They are for a user's own file, and never run
    because a stored run holds them: a pair style can be code.

    Attributes
    ----------
    commands
        One line each, without comments, as they were written.
    files
        Word of a command that names a file -> SHA-256 of its content.
    folder
        Where these files are; None of what a run holds.

    Raises
    ------
    ConfigError
        If a command is another, the units are not metal, or there is no pair style.
    """

    commands: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not all(isinstance(line, str) for line in self.commands):
            raise ConfigError(f"commands of LAMMPS must be lines; got {self.commands!r:.200}")
        for line in self.commands:
            name, *words = _words(line)
            if name == "units" and words != ["metal"]:
                raise ConfigError(
                    "a LAMMPS potential must be in units metal (Å, eV), those of nanochart; got "
                    f"{line!r:.100}: convert its parameters or tables"
                )
            if name not in {"units", *_BEFORE, *_AFTER}:
                raise ConfigError(
                    f"a LAMMPS potential takes the commands {', '.join(_AFTER)} and, for styles "
                    f"that ask for them, units metal, {', '.join(_BEFORE)}; got {line!r:.100}: "
                    "leave it out, because atoms, box and dynamics are nanochart's"
                )
        if self.pair_style is None:
            raise ConfigError("a LAMMPS potential must have a line pair_style; got none")

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The input of a file; files that it names are looked for beside it.

        Raises
        ------
        ConfigError
            If it cannot be read or is no such input.
        """
        file = Path(path).absolute()
        try:
            with file.open("rb") as opened:
                content = opened.read(_LARGEST + 1)
            if len(content) > _LARGEST:
                raise ConfigError(
                    f"{file} must be an input of LAMMPS of at most 1 MB; it is longer"
                )
            text = content.decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} cannot be read as an input of LAMMPS ({error})") from None
        joined = re.sub(r"&[ \t]*\r?\n", " ", text)
        lines = (line.partition("#")[0].strip() for line in joined.splitlines())
        try:
            found = cls(tuple(line for line in lines if line))
            named = {w for line in found.commands for w in _words(line)[1:]}
            files = {w: p for w in sorted(named) if (p := _file(file.parent, w)) is not None}
            sums = {word: _checksum(p) for word, p in files.items()}
        except (ConfigError, OSError) as error:
            raise ConfigError(f"{file}: {error}") from None
        return cls(found.commands, sums, file.parent)

    @property
    def pair_style(self) -> str | None:
        """The last of its pair styles, without its arguments."""
        styles = [words[1] for line in self.commands if (words := _words(line))[0] == "pair_style"
                  and len(words) > 1]  # fmt: skip
        return styles[-1] if styles else None

    def lines(self, *, atoms: bool) -> list[str]:
        """Commands that come after the ``atoms`` are there, or before; files by absolute paths."""
        names = _AFTER if atoms else _BEFORE
        return [self._resolved(line) for line in self.commands if _words(line)[0] in names]

    def _resolved(self, line: str) -> str:
        if self.folder is None:
            return line
        words = _words(line)
        if not any(word in self.files for word in words):
            return line
        return " ".join(f'"{self.folder / word}"' if word in self.files else word for word in words)

    def to_record(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"lammps": list(self.commands), "files": dict(self.files)}


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, posix=False) or [""]
    except ValueError as error:
        raise ConfigError(
            f"a line of a LAMMPS input must have its quotes in pairs; got {line!r:.100}"
        ) from error


def _file(folder: Path, word: str) -> Path | None:
    path = folder / word
    return path if not _SYMBOL.fullmatch(word) and len(word) < 4096 and path.is_file() else None


def _checksum(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
