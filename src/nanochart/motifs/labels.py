"""The six classes of whole clusters."""

__all__ = ["LABELS"]

#: The classes; codes are places in this list.
LABELS = ("dh", "ih", "fcc", "twin", "mix", "amorphous")
