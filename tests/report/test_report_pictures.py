"""Pictures of clusters: areas, occlusion, light, and views that find a cluster's order."""

import numpy as np
import pytest
from ase.cluster import Decahedron, Icosahedron, Octahedron
from scipy.spatial.transform import Rotation

from nanochart import report
from nanochart.report.structures.spheres import Shading
from nanochart.report.structures.views import tilted

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
FLAT = Shading(diffuse=0.0, fill_weight=0.0, specular=0.0, occlusion=0.0, outline=0.0, ambient=1.0)


def _cluster(n=20, seed=0):
    return np.random.default_rng(seed).normal(scale=3.0, size=(n, 3))


@pytest.mark.parametrize(("radius", "scale"), [(1.0, 20.0), (1.44, 13.3), (2.5, 10.0)])
def test_a_sphere_covers_the_area_of_its_projection(radius, scale):
    picture = report.render_spheres([[0, 0, 0]], radius, RED, size=80, scale=scale)
    area = picture[..., 3].sum() / 255.0
    assert area == pytest.approx(np.pi * (radius * scale) ** 2, rel=3e-3)


def test_spheres_apart_cover_the_sum_of_their_areas_and_overlapping_ones_the_lens_less():
    def area(x):
        centres = [[-0.5 * x, 0, 0], [0.5 * x, 0, 0.3]]
        picture = report.render_spheres(centres, 1.0, RED, size=120, scale=20.0)
        return picture[..., 3].sum() / 255.0 / 400.0

    assert area(3.0) == pytest.approx(2 * np.pi, rel=4e-3)
    lens = 2 * np.arccos(0.5) - 0.5 * np.sqrt(3.0)  # of two unit circles at distance 1
    assert area(1.0) == pytest.approx(2 * np.pi - lens, rel=4e-3)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_the_nearer_sphere_hides_the_farther_one_in_any_order(order):
    centres = np.array([[0.0, 0.0, 2.0], [0.0, 0.0, -2.0]])[order]
    colors = np.array([RED, BLUE])[order]
    picture = report.render_spheres(centres, 1.0, colors, size=40, shading=FLAT)
    seen = picture[picture[..., 3] > 0]
    assert (seen[:, 0] > 200).all()
    assert (seen[:, 2] == 0).all()


def test_a_near_sphere_hides_only_what_lies_behind_it():
    centres = [[0.0, 0.0, 2.0], [1.0, 0.0, -2.0]]
    picture = report.render_spheres(
        centres, 1.0, [RED, BLUE], size=120, scale=20.0, shading=FLAT
    ).astype(float)
    blue = (picture[..., 2] / 255.0 * picture[..., 3] / 255.0).sum() / 400.0
    lens = 2 * np.arccos(0.5) - 0.5 * np.sqrt(3.0)
    assert blue == pytest.approx(np.pi - lens, rel=0.01)


def test_a_picture_does_not_depend_on_the_order_or_the_place_of_the_atoms():
    positions = _cluster()
    colors = np.random.default_rng(1).random((20, 3))
    picture = report.render_spheres(positions, 1.4, colors, size=60)
    order = np.random.default_rng(2).permutation(20)
    shuffled = report.render_spheres(positions[order], 1.4, colors[order], size=60)
    moved = report.render_spheres(positions + np.array([10.0, -7.0, 3.0]), 1.4, colors, size=60)
    assert np.abs(picture.astype(int) - shuffled).max() <= 1
    assert (np.abs(picture.astype(int) - moved) > 3).mean() < 2e-3


def test_the_view_turns_the_cluster():
    positions = _cluster()
    turn = Rotation.random(random_state=4).as_matrix()
    by_view = report.render_spheres(positions, 1.4, RED, size=50, view=turn)
    by_hand = report.render_spheres(positions @ turn.T, 1.4, RED, size=50)
    assert np.array_equal(by_view, by_hand)


def test_the_cluster_fills_the_picture_without_touching_its_border():
    alpha = report.render_spheres(_cluster(), 1.4, RED, size=100)[..., 3]
    rows, columns = np.nonzero(alpha)
    assert alpha[[0, -1]].max() == alpha[:, [0, -1]].max() == 0
    assert max(np.ptp(rows), np.ptp(columns)) > 92


def test_light_comes_from_the_upper_left_and_up_is_up():
    picture = report.render_spheres([[0, 0, 0]], 1.0, (0.5, 0.5, 0.5), size=60)
    assert picture[18, 18, 0] > picture[42, 42, 0] + 30
    high = report.render_spheres([[0, 5, 0], [0, -5, 0]], 1.0, [RED, BLUE], size=60)
    assert high[6, 30, 0] > high[6, 30, 2]


def test_neighbours_take_light_from_the_gap_between_them():
    look = Shading(specular=0.0, outline=0.0)
    alone = report.render_spheres([[0, 0, 0]], 1.0, RED, size=90, scale=15.0, shading=look)
    pair = report.render_spheres(
        [[-1.0, 0, 0], [1.0, 0, 0]], 1.0, RED, size=90, scale=15.0, shading=look
    )
    gap_alone, gap_pair = alone[45, 45 + 13, 0], pair[45, 45 - 2, 0]
    assert gap_pair < 0.75 * gap_alone
    assert pair[45, 45 - 27, 0] == pytest.approx(alone[45, 45 - 12, 0], abs=25)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0, 0]], 1.0, RED), r"positions must have shape \(atom, 3\)"),
        (([[0, 0, np.nan]], 1.0, RED), "positions must be finite"),
        (([[0, 0, 0]], [1.0, 2.0], RED), "radii must be positive"),
        (([[0, 0, 0]], -1.0, RED), "radii must be positive"),
        (([[0, 0, 0]], 1.0, [RED, BLUE]), r"colors must have shape \(3,\) or \(atom, 3\)"),
    ],
)
def test_renderer_refuses_what_it_cannot_draw(arguments, message):
    with pytest.raises(ValueError, match=message):
        report.render_spheres(*arguments)


# -- views -------------------------------------------------------------------------------------


def test_a_view_is_a_rotation_that_turns_with_a_structure_without_symmetry():
    positions = Decahedron("Au", 3, 2, 1).positions + 0.05 * _cluster(146, 3)
    turn = Rotation.random(random_state=1).as_matrix()
    first, second = (report.zone_axis_view(p) for p in (positions, positions @ turn.T))
    assert np.allclose(first @ first.T, np.eye(3))
    assert np.linalg.det(first) == pytest.approx(1.0)
    shown, again = (
        (p - p.mean(axis=0)) @ v.T for p, v in ((positions, first), (positions @ turn.T, second))
    )
    # A zone axis has no sign: the copy may be seen from behind, its top still up.
    assert np.allclose(np.abs(shown), np.abs(again), atol=1e-6)


@pytest.mark.parametrize(
    ("atoms", "axes"),
    [
        (Octahedron("Au", 6, 1), 6),  # the close-packed rows [110] of fcc
        (Decahedron("Au", 3, 2, 1), 1),  # the axis of a decahedron
        (Icosahedron("Au", 4), 6),  # the fivefold axes of an icosahedron
    ],
)
def test_zone_axis_is_the_symmetry_axis_that_identifies_the_motif(atoms, axes):
    turn = Rotation.random(random_state=7).as_matrix()
    noise = 0.05 * np.random.default_rng(0).normal(size=(len(atoms), 3))
    towards = report.zone_axis_view(atoms.positions @ turn.T + noise)[2] @ turn
    if axes == 1:
        known = np.array([[0.0, 0.0, 1.0]])
    elif len(atoms) == 309 or len(atoms) == 147:
        outer = atoms.positions - atoms.positions.mean(axis=0)
        radius = np.linalg.norm(outer, axis=1)
        known = outer[np.argsort(radius)[-12:]] / np.sort(radius)[-12:, None]
    else:
        known = np.array([[1, 1, 0], [1, -1, 0], [1, 0, 1], [1, 0, -1], [0, 1, 1], [0, 1, -1]])
        known = known / np.sqrt(2.0)
    assert np.abs(known @ towards).max() > np.cos(np.radians(3.0))


def test_tilting_keeps_a_rotation_and_turns_by_the_angle():
    turned = tilted(np.eye(3), 10.0)
    assert np.allclose(turned @ turned.T, np.eye(3))
    assert turned[2, 2] == pytest.approx(np.cos(np.radians(10.0)) ** 2)


def test_views_of_very_small_clusters_are_rotations():
    for positions in (
        [[0.0, 0, 0]],
        [[0.0, 0, 0], [2.5, 0, 0]],
        [[0.0, 0, 0], [2.5, 0, 0], [5.0, 0, 0]],
    ):
        view = report.zone_axis_view(positions)
        assert np.allclose(view @ view.T, np.eye(3))


# -- pictures ----------------------------------------------------------------------------------


def test_pictures_of_a_gallery_share_one_scale(tmp_path):
    small, large = Icosahedron("Au", 2).positions, Icosahedron("Au", 3).positions
    clusters = [report.Cluster("small", small), report.Cluster("large", large, "55 atoms")]
    pictures = report.draw_clusters(clusters, "Au", size=60)
    widths = [np.ptp(np.nonzero(p.pixels[..., 3].any(axis=0))[0]) for p in pictures]
    # one and two shells around a centre, each adding about two atom diameters of width
    assert widths[0] / widths[1] == pytest.approx(3 / 5, abs=0.06)
    pictures[1].save(tmp_path / "large.png")
    assert (tmp_path / "large.png").read_bytes().startswith(b"\x89PNG")
    figure = report.cluster_gallery(pictures)
    assert [axes.get_title() for axes in figure.axes] == ["small", "large"]


def test_colors_can_be_given_for_each_atom():
    positions = Icosahedron("Au", 2).positions
    colored = report.Cluster("colored", positions, colors=np.tile(BLUE, (13, 1)))
    picture = report.draw_clusters([colored], "Au", size=40)[0].pixels
    assert picture[20, 20, 2] > picture[20, 20, 0]
    assert report.draw_clusters([], "Au") == ()


def test_every_element_has_a_color():
    for symbol in ("Au", "Ag", "Cu", "Ni", "?"):
        assert all(0.0 <= part <= 1.0 for part in report.element_color(symbol))
