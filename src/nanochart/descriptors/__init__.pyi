from .cna import (
    ATOM_TYPES as ATOM_TYPES,
    BETWEEN_SHELLS as BETWEEN_SHELLS,
    atom_types as atom_types,
    bond_signatures as bond_signatures,
    bonding_cutoff as bonding_cutoff,
    crowded_sentence as crowded_sentence,
)
from .grid import (
    cell_polynomials as cell_polynomials,
    gaussian_coefficients as gaussian_coefficients,
)
from .kernels import (
    Grid as Grid,
    Workspace as Workspace,
    density as density,
    gradient as gradient,
    make_workspace as make_workspace,
)
from .kernels_cna import (
    AXIS as AXIS,
    FCC as FCC,
    HCP as HCP,
    ICO as ICO,
    OTHER as OTHER,
    ROOM as ROOM,
    atom_type as atom_type,
    find_bonds as find_bonds,
    shell_bonds as shell_bonds,
)
from .positions import check_finite as check_finite, check_positions as check_positions
from .rdf import MOST_BINS as MOST_BINS, RDF as RDF
