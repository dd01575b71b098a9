"""What sets a group of structures apart, as facts that hold for most of it and as a sentence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fact", "Words", "sentence", "telling_facts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Standardized difference below which two groups are alike in a descriptor, and the most facts.
_TELLING, _FACTS = 0.5, 3
#: Share of the members for which a fact must hold.
_MOST = 0.6
#: Correlation above which a descriptor says what another has said.
_SAME = 0.8
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True)
class Fact:
    """A descriptor by which a family differs from its siblings.

    Attributes
    ----------
    descriptor
        Name of the defect descriptor.
    kind
        "exactly", "at least", "at most" (a count), or "more", "less" (than the siblings' median).
    value
        The count, or the median of the family.
    others
        Median of the siblings.
    difference
        Standardized difference: that of the means over the pooled standard deviation.
    share
        Share of the members for which the fact is true.
    """

    descriptor: str
    kind: Literal["exactly", "at least", "at most", "more", "less"]
    value: float
    others: float
    difference: float
    share: float


@dataclass(frozen=True)
class Words:
    """Words for motifs and descriptors, from which sentences are made.

    ``motifs``: motif -> plural noun; ``count``: descriptor -> (singular with its article, plural
    with a place for the number), as ("an adatom", "{} adatoms"), for those that count something;
    ``measure``: descriptor -> (said of more of it, said of less), as ("more fcc atoms inside",
    "fewer fcc atoms inside"), for all others.
    """

    motifs: Mapping[str, str] = field(default_factory=dict)
    count: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    measure: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def telling_facts(
    descriptors: Mapping[str, Floats], members: Ints, others: Ints, words: Words
) -> tuple[Fact, ...]:
    """Find the descriptors with the largest standardized difference, and a true word on each.

    Parameters
    ----------
    descriptors
        Name -> value of every structure, NaN where unknown.
    members, others
        Indices of the structures of the family, and of those that it is compared with.
    words
        Words for descriptors, which say which of them are counts.

    Returns
    -------
    tuple of Fact
        At most three, the most telling first, none of which merely repeats another. Defects that
        are counted come before quantities that are measured, which are harder to picture; of the
        latter there is one at most where something is counted.
    """
    found: list[tuple[float, str, Floats, Floats]] = []
    for name, values in descriptors.items():
        a, b = values[members], values[others]
        a, b = a[np.isfinite(a)], b[np.isfinite(b)]
        if len(a) < 2 or len(b) < 2:
            continue
        # Where both groups are nearly uniform, a tenth of the overall spread keeps it finite.
        overall = float(np.nanstd(values))
        pooled = max(float(np.sqrt((a.var() + b.var()) / 2)), 0.1 * overall)
        if pooled > 0:
            found.append((float((a.mean() - b.mean()) / pooled), name, a, b))
    facts: list[Fact] = []
    order = sorted(found, key=lambda f: (f[1] not in words.count, -abs(f[0])))
    for difference, name, a, b in order:
        counted = sum(fact.descriptor in words.count for fact in facts)
        measured = len(facts) - counted
        full = name not in words.count and measured >= (1 if counted else 2)
        if abs(difference) < _TELLING or len(facts) == _FACTS or full:
            continue
        if any(_alike(descriptors, name, f.descriptor, members, others) for f in facts):
            continue
        fact = _true_word(name, a, b, difference, counts=name in words.count)
        if fact is not None:
            facts.append(fact)
    return tuple(facts)


def _alike(
    descriptors: Mapping[str, Floats], name: str, said: str, members: Ints, others: Ints
) -> bool:
    """Whether two descriptors go together within the groups, not only from one to the other."""
    first, second = [], []
    for some in (members, others):
        a, b = descriptors[name][some], descriptors[said][some]
        known = np.isfinite(a) & np.isfinite(b)
        if known.any():
            first.append(a[known] - a[known].mean())
            second.append(b[known] - b[known].mean())
    x, y = np.concatenate([*first, [0.0]]), np.concatenate([*second, [0.0]])
    size = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return size > 0 and abs(float((x * y).sum())) > _SAME * size


def _true_word(name: str, a: Floats, b: Floats, difference: float, *, counts: bool) -> Fact | None:
    """The sharpest statement that holds for most members, None where there is none."""
    middle, other = float(np.median(a)), float(np.median(b))
    options: list[tuple[Literal["exactly", "at least", "at most", "more", "less"], float]] = []
    if counts:
        options = [("exactly", float(round(middle)))]
        options += (
            [("at least", float(np.quantile(a, 1 - _MOST, method="lower")))]
            if difference > 0
            else [("at most", float(np.quantile(a, _MOST, method="higher")))]
        )
    else:
        options = [("more" if difference > 0 else "less", middle)]
    tests: dict[str, Callable[[Floats, float], NDArray[np.bool_]]] = {
        "exactly": lambda x, v: np.rint(x) == v,
        "at least": lambda x, v: x >= v,
        "at most": lambda x, v: x <= v,
        "more": lambda x, _: x > other,
        "less": lambda x, _: x < other,
    }
    for kind, value in options:
        share = float(tests[kind](a, value).mean())
        # What is as true of the others sets nothing apart.
        contrast = share - float(tests[kind](b, value).mean())
        empty = (kind == "at least" and value <= 0) or (kind == "at most" and value < 0)
        if share >= _MOST and contrast > 0.2 and not empty:
            return Fact(name, kind, value, other, difference, share)
    return None


def sentence(motif: str, facts: Sequence[Fact], words: Words) -> str:
    """Say facts in words, as "decahedra with one hcp island and two vertex vacancies"."""
    subject = words.motifs.get(motif, f"{motif} structures")
    parts = [_said(fact, words) for fact in facts]
    if not parts:
        return f"{subject} that no defect sets apart"
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{subject} with {listed}"


def _said(fact: Fact, words: Words) -> str:
    if fact.descriptor not in words.count:
        noun = fact.descriptor.replace("_", " ")
        more, less = words.measure.get(fact.descriptor, (f"more {noun}", f"less {noun}"))
        return more if fact.kind == "more" else less
    number = int(fact.value)
    one, many = words.count[fact.descriptor]
    said = _NUMBERS[number] if 0 <= number < len(_NUMBERS) else str(number)
    if fact.kind == "at least":
        return many.format(f"{said} or more")
    bound = "" if fact.kind == "exactly" or number == 0 else "at most "
    if number != 1:
        return many.format(f"{bound}{said}")
    return f"at most one {one.partition(' ')[2]}" if bound else one
