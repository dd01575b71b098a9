from .eam import eam as eam
from .foreign import (
    CalculatorPotential as CalculatorPotential,
    NotAtHand as NotAtHand,
    ase as ase,
    called as called,
)
from .gupta import (
    GUPTA_PARAMETERS as GUPTA_PARAMETERS,
    GuptaParameters as GuptaParameters,
    gupta as gupta,
)
from .kernels import evaluate as evaluate
from .lammps import LammpsCalculator as LammpsCalculator, lammps as lammps
from .lammps_input import LammpsInput as LammpsInput
from .lammps_library import said_by_lammps as said_by_lammps, start_lammps as start_lammps
from .potential import (
    EmbeddedAtom as EmbeddedAtom,
    check_positions as check_positions,
    overlap_sentence as overlap_sentence,
)
from .protocol import (
    Potential as Potential,
    check_forces as check_forces,
    energies_and_forces as energies_and_forces,
    interaction_range as interaction_range,
    is_compiled as is_compiled,
)
from .recipe import CalculatorRecipe as CalculatorRecipe
from .record import (
    describe as describe,
    from_record as from_record,
    is_described_by as is_described_by,
    numbers_of as numbers_of,
    to_record as to_record,
)
