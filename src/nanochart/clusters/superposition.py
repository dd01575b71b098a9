"""One structure laid onto another: translation and rotation taken out."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["superpose"]


def superpose(structures: ArrayLike, references: ArrayLike) -> NDArray[np.float64]:
    r"""Move and turn structures onto references, atom by atom, without a mirror.

    Translation and rotation are those of least squares, :math:`\min \sum_i |R x_i + t - y_i|^2`
    with a proper rotation R (Kabsch, Acta Cryst. A 34, 827 (1978)). All atoms weigh the same.

    Parameters
    ----------
    structures
        What is moved, (..., atom, 3) in Å.
    references
        What it is laid onto, of the same shape.

    Returns
    -------
    array (..., atom, 3)
        The structures, moved.

    Examples
    --------
    >>> import numpy as np
    >>> from nanochart.clusters import superpose
    >>> x = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    >>> turned = x @ np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]) + 5.0
    >>> bool(np.allclose(superpose(x, turned), turned))
    True
    """
    x, y = np.asarray(structures, dtype=np.float64), np.asarray(references, dtype=np.float64)
    centre = y.mean(axis=-2, keepdims=True)
    a, b = x - x.mean(axis=-2, keepdims=True), y - centre
    u, _, vt = np.linalg.svd(np.swapaxes(a, -1, -2) @ b)
    # The weakest axis is turned round where the best orthogonal matrix would be a mirror.
    vt[..., 2, :] *= np.sign(np.linalg.det(u @ vt))[..., None]
    moved: NDArray[np.float64] = a @ (u @ vt) + centre
    return moved
