"""Pictures of atoms: an orthographic ray caster for shaded spheres, in numpy.

No display, no OpenGL. Every pixel is cut into ``supersample``² rays; a ray meets the sphere whose
front is nearest to the viewer, and the point it meets is shaded by two lights, a highlight, and the
share of the sky that the neighbouring spheres leave free (ambient occlusion, which is what lets the
eye read depth in a packed cluster).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

__all__ = ["Shading", "render_spheres"]

_BACKGROUND = -1  # in the buffer of sphere indices


@dataclass(frozen=True)
class Shading:
    """How surfaces answer light; all weights are dimensionless.

    ``light`` and ``fill`` point from the atoms to the lamps, in screen axes (x right, y up, z to
    the viewer). ``outline`` darkens the rim of a sphere that stands before something farther off.
    """

    ambient: float = 0.52
    diffuse: float = 0.66
    fill_weight: float = 0.14
    specular: float = 0.22
    shininess: float = 38.0
    occlusion: float = 0.95
    outline: float = 0.55
    light: tuple[float, float, float] = (-0.45, 0.65, 0.75)
    fill: tuple[float, float, float] = (0.8, -0.3, 0.4)


def render_spheres(
    positions: ArrayLike,
    radii: ArrayLike,
    colors: ArrayLike,
    *,
    view: ArrayLike | None = None,
    size: int = 480,
    scale: float | None = None,
    supersample: int = 3,
    shading: Shading | None = None,
) -> NDArray[np.uint8]:
    """Draw spheres as a square picture with a transparent background.

    A sphere of radius r Å covers pi (r scale)² pixels at ``scale`` pixels per Å: the projection is
    orthographic, so sizes compare across a picture and between pictures of the same scale.

    Parameters
    ----------
    positions
        Centres in Å, shape (atom, 3).
    radii
        Radii in Å, one or shape (atom,).
    colors
        Red, green and blue between 0 and 1 (sRGB), shape (3,) or (atom, 3).
    view
        Rotation, shape (3, 3), whose rows are the screen's axes: right, up, to the viewer.
        The identity when left out.
    size
        Width and height in pixels.
    scale
        Pixels per Å; when left out the picture is filled.
    supersample
        Rays along each edge of a pixel.
    shading
        Lights and surfaces.

    Returns
    -------
    ndarray of uint8
        Shape (size, size, 4): red, green, blue, alpha.

    Raises
    ------
    ValueError
        If a shape does not fit, or a position is not finite.
    """
    centres, radius, albedo = _checked(positions, radii, colors)
    if view is not None:
        centres = centres @ np.asarray(view, float).T
    look = shading or Shading()
    # Centre the bounding box, not the mean: nothing is cut off.
    low = (centres - radius[:, None]).min(axis=0)
    high = (centres + radius[:, None]).max(axis=0)
    centres = centres - 0.5 * (low + high)
    extent = float((high - low)[:2].max())
    rays = size * supersample
    per_angstrom = rays / (extent * 1.04) if scale is None else scale * supersample

    centres_px = (centres * per_angstrom).astype(np.float32)
    radius_px = (radius * per_angstrom).astype(np.float32)
    depth, owner = _cast(centres_px, radius_px, rays)
    light = _shade(
        centres_px, radius_px, _linear(albedo).astype(np.float32), depth, owner, look=look
    )
    if look.outline > 0.0:
        rim = _rim(depth, supersample, 0.35 * float(np.median(radius_px)))
        light *= (1.0 - look.outline * rim)[:, :, None]

    # Average light, not display values; the share of rays that met a sphere is the opacity.
    shape = (size, supersample, size, supersample)
    hit = owner != _BACKGROUND
    alpha = hit.reshape(shape).mean(axis=(1, 3))
    total = (light * hit[:, :, None]).reshape(*shape, 3).mean(axis=(1, 3))
    rgb = total / np.maximum(alpha, 1e-6)[:, :, None]
    picture = np.concatenate([_display(rgb), alpha[:, :, None]], axis=2)
    pixels: NDArray[np.uint8] = np.rint(255.0 * np.clip(picture, 0.0, 1.0)).astype(np.uint8)
    return pixels


def _checked(
    positions: Any, radii: Any, colors: Any
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    centres = np.asarray(positions, float)
    if centres.ndim != 2 or centres.shape[1] != 3 or not len(centres):
        raise ValueError(f"positions must have shape (atom, 3); got shape {centres.shape}")
    if not np.isfinite(centres).all():
        raise ValueError("positions must be finite; got NaN or infinity: draw another frame")
    n = len(centres)
    radius = np.asarray(radii, float)
    if radius.shape not in {(), (n,)} or not (radius > 0).all():
        raise ValueError(
            f"radii must be positive, one or one for each of {n} atoms; got shape {radius.shape}"
        )
    albedo = np.asarray(colors, float)
    if albedo.shape not in {(3,), (n, 3)}:
        raise ValueError(
            f"colors must have shape (3,) or (atom, 3) for {n} atoms; got shape {albedo.shape}"
        )
    return centres, np.broadcast_to(radius, (n,)), np.broadcast_to(albedo, (n, 3))


def _linear(srgb: NDArray[Any]) -> NDArray[Any]:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _display(linear: NDArray[Any]) -> NDArray[Any]:
    linear = np.clip(linear, 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _axes(
    centre: NDArray[Any], radius: float, rays: int
) -> tuple[slice, slice, NDArray[Any], NDArray[Any]]:
    """Give the rows and columns that a sphere may cover, and the rays' offsets from its centre."""
    half = rays / 2.0
    x, y = float(centre[0]), float(centre[1])
    columns = slice(max(int(half + x - radius), 0), min(int(half + x + radius) + 1, rays))
    rows = slice(max(int(half - y - radius), 0), min(int(half - y + radius) + 1, rays))
    dx = np.arange(columns.start, columns.stop, dtype=np.float32) + np.float32(0.5 - half - x)
    dy = np.float32(half - 0.5 - y) - np.arange(rows.start, rows.stop, dtype=np.float32)
    return rows, columns, dx, dy


def _cast(
    centres: NDArray[Any], radius: NDArray[Any], rays: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Find for every ray the nearest front: its depth and the sphere's index."""
    depth = np.full((rays, rays), -np.inf, np.float32)
    owner = np.full((rays, rays), _BACKGROUND, np.int32)
    for k, (centre, r) in enumerate(zip(centres, radius, strict=True)):
        rows, columns, dx, dy = _axes(centre, r, rays)
        height2 = r * r - dx[None, :] ** 2 - dy[:, None] ** 2
        front = centre[2] + np.sqrt(np.maximum(height2, 0.0))
        nearer = (height2 > 0.0) & (front > depth[rows, columns])
        depth[rows, columns][nearer] = front[nearer]
        owner[rows, columns][nearer] = k
    return depth, owner


def _shade(
    centres: NDArray[Any],
    radius: NDArray[Any],
    albedo: NDArray[Any],
    depth: NDArray[Any],
    owner: NDArray[Any],
    *,
    look: Shading,
) -> NDArray[Any]:
    """Compute the light that leaves each visible point towards the viewer, in linear units."""
    rays = owner.shape[0]
    key = np.asarray(look.light, np.float32) / np.float32(np.linalg.norm(look.light))
    fill = np.asarray(look.fill, np.float32) / np.float32(np.linalg.norm(look.fill))
    halfway = key + np.array([0.0, 0.0, 1.0], np.float32)
    halfway /= np.linalg.norm(halfway)
    neighbours = _neighbours(centres, radius)
    light = np.zeros((rays, rays, 3), np.float32)
    for k in np.unique(owner[owner != _BACKGROUND]):
        rows, columns, dx, dy = _axes(centres[k], radius[k], rays)
        row, column = np.nonzero(owner[rows, columns] == k)
        # Three rows of coordinates rather than rows of three: each is contiguous.
        offset = np.stack([dx[column], dy[row], depth[rows, columns][row, column] - centres[k, 2]])
        normal = offset / radius[k]
        near = neighbours[k]
        free = _open_sky(offset, normal, centres[near] - centres[k], radius[near])
        sky = 1.0 - look.occlusion * (1.0 - free)
        diffuse = np.maximum(key @ normal, 0.0)
        soft = 0.5 + 0.5 * (fill @ normal)
        shine = np.maximum(halfway @ normal, 0.0) ** np.float32(look.shininess)
        # Occluded points also lose part of the key light: a cheap contact shadow.
        matte = (
            sky * (look.ambient + look.fill_weight * soft) + np.sqrt(sky) * look.diffuse * diffuse
        )
        patch = matte[:, None] * albedo[k] + (look.specular * sky * shine)[:, None]
        light[rows, columns][row, column] = patch
    return light


def _neighbours(centres: NDArray[Any], radius: NDArray[Any]) -> list[NDArray[Any]]:
    """List for each sphere those near enough to take sky from it."""
    reach = 3.2 * float(radius.max())
    tree = cKDTree(centres)
    near = tree.query_ball_point(centres, reach)
    return [np.array([j for j in js if j != k], int) for k, js in enumerate(near)]


def _open_sky(
    offset: NDArray[Any], normal: NDArray[Any], others: NDArray[Any], radius: NDArray[Any]
) -> NDArray[Any]:
    """Share of the cosine-weighted sky that neighbouring spheres leave free.

    A sphere of radius r at distance d in direction u hides (n·u) r²/d² of it while it is wholly
    above the horizon; below, the usual smooth fit ((1 + n·u d/r)/2)^1.5 r²/d² takes over. Hidden
    parts of several spheres are treated as independent.

    Parameters
    ----------
    offset, normal
        Of points on a sphere, from its centre, shape (3, point).
    others, radius
        Centres of its neighbours, from its centre, shape (neighbour, 3), and their radii.
    """
    free = np.ones(offset.shape[1], np.float32)
    for centre, r in zip(others, radius, strict=True):
        x, y, z = centre[0] - offset[0], centre[1] - offset[1], centre[2] - offset[2]
        h2 = np.maximum((x * x + y * y + z * z) / (r * r), 1.0)
        # n·u d/r: the sine of the sphere's height above the horizon, in units of its radius.
        height = (normal[0] * x + normal[1] * y + normal[2] * z) / r
        partial = np.clip(0.5 * (height + 1.0), 0.0, 1.0)
        hidden = np.where(
            np.abs(height) < 1.0, partial * np.sqrt(partial), np.maximum(height, 0.0) / np.sqrt(h2)
        )
        free *= 1.0 - np.minimum(hidden / h2, 1.0)
    return free


def _rim(depth: NDArray[Any], width: int, step: float) -> NDArray[Any]:
    """Mark rays within ``width`` of a place where the depth falls by more than ``step``."""
    rim = np.zeros(depth.shape, bool)
    far = np.where(np.isfinite(depth), depth, np.float32(-1e9))
    padded = np.pad(far, width, constant_values=np.float32(-1e9))
    n = depth.shape[0]
    for shift_y, shift_x in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        start_y, start_x = width * (1 + shift_y), width * (1 + shift_x)
        rim |= far - padded[start_y : start_y + n, start_x : start_x + n] > step
    return rim.astype(np.float32)
