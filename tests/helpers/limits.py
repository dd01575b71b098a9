"""Limits of the system that a test sets."""

import resource
from contextlib import contextmanager


@contextmanager
def file_size_limit(n_bytes: int):
    """Let the system refuse what exceeds a quota, in the middle of a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
