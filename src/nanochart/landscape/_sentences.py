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
    """One thing that sets a family apart.

    Attributes
    ----------
    descriptor
        Name of the defect descriptor.
    kind
        "exactly", "at least", "at most" (a count), or "more", "less" (than the siblings' median).
    value
        The count, or the family's median.
    others
        The siblings' median.
    difference
        Standardized: the difference of the means over the pooled standard deviation.
    share
        Of the members for which it is true.
    """

    descriptor: str
    kind: Literal["exactly", "at least", "at most", "more", "less"]
    value: float
    others: float
    difference: float
    share: float


@dataclass(frozen=True)
class Words:
    """How to say things.

    ``motifs``: motif -> plural noun; ``count``: descriptor -> (singular, plural), for those that
    count something; ``measure``: descriptor -> noun, for all others.
    """

    motifs: Mapping[str, str] = field(default_factory=dict)
    count: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    measure: Mapping[str, str] = field(default_factory=dict)


def telling_facts(
    descriptors: Mapping[str, Floats], members: Ints, others: Ints, words: Words
) -> tuple[Fact, ...]:
    """Find the descriptors with the largest standardized difference, and a true word on each.

    Parameters
    ----------
    descriptors
        Name -> value of every structure, NaN where unknown.
    members, others
        Indices of the family and of what it is compared with.
    words
        Which descriptors are counts.

    Returns
    -------
    tuple of Fact
        At most three, the most telling first, none of which merely repeats another.
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
    for difference, name, a, b in sorted(found, key=lambda f: -abs(f[0])):
        if abs(difference) < _TELLING or len(facts) == _FACTS:
            break
        if any(_alike(descriptors, name, f.descriptor, members, others) for f in facts):
            continue
        fact = _true_word(name, a, b, difference, counts=name in words.count)
        if fact is not None:
            facts.append(fact)
    return tuple(facts)


def _alike(
    descriptors: Mapping[str, Floats], name: str, said: str, members: Ints, others: Ints
) -> bool:
    both = np.concatenate([members, others])
    a, b = descriptors[name][both], descriptors[said][both]
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < 2 or np.ptp(a[known]) == 0 or np.ptp(b[known]) == 0:
        return False
    return bool(abs(np.corrcoef(a[known], b[known])[0, 1]) > _SAME)


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
    """Say the facts, as "decahedra with one hcp island and two vertex vacancies"."""
    subject = words.motifs.get(motif, f"{motif} structures")
    parts = [_said(fact, words) for fact in facts]
    if not parts:
        return f"{subject} that no defect sets apart"
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{subject} with {listed}"


def _said(fact: Fact, words: Words) -> str:
    if fact.descriptor not in words.count:
        noun = words.measure.get(fact.descriptor, fact.descriptor.replace("_", " "))
        return f"{fact.kind} {noun}"
    number = int(fact.value)
    singular, plural = words.count[fact.descriptor]
    noun = singular if number == 1 else plural
    said = _NUMBERS[number] if 0 <= number < len(_NUMBERS) else str(number)
    return (
        f"{said} {noun}" if fact.kind == "exactly" or number == 0 else f"{fact.kind} {said} {noun}"
    )
