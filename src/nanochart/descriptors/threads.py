"""Frames shared out among threads: the kernels release the interpreter lock."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from nanochart.parallel import threads_at_once

__all__ = ["share_frames"]

#: A thread is worth its start from about this many frames on.
_FRAMES_PER_THREAD = 32


def share_frames(work: Callable[[slice], int], n_frames: int, threads: int | None) -> int:
    """Call ``work`` on slices that together cover all frames.

    Parameters
    ----------
    work
        Takes a slice of frames and returns the index within it of the first frame that failed,
        or -1.
    n_frames
        Number of frames.
    threads
        Most threads to use; None for one per available processor core, or those of
        `nanochart.parallel.use_threads`.

    Returns
    -------
    int
        The first frame that failed, or -1.
    """
    if threads is None:
        threads = threads_at_once()
    elif isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads must be a whole number of at least 1, or None; got {threads!r}")
    threads = max(1, min(threads, n_frames // _FRAMES_PER_THREAD))
    bounds = [n_frames * k // threads for k in range(threads + 1)]
    slices = [slice(*pair) for pair in pairwise(bounds)]
    if threads == 1:
        failed = [work(slices[0])]
    else:
        with ThreadPoolExecutor(threads) as executor:
            failed = list(executor.map(work, slices))
    for part, frame in zip(slices, failed, strict=True):
        if frame >= 0:
            return int(part.start + frame)
    return -1
