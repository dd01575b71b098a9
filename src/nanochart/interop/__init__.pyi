from .atoms import from_atoms as from_atoms, to_atoms as to_atoms
from .biased_calculator import BiasedCalculator as BiasedCalculator
from .calculator import PotentialCalculator as PotentialCalculator
from .chart_bias import ChartBias as ChartBias, RunBias as RunBias
from .chart_coordinates import ChartCoordinates as ChartCoordinates
from .export import export_extxyz as export_extxyz
from .growing_bias import GrowingBias as GrowingBias
from .import_ import import_trajectories as import_trajectories
from .lammps import LammpsBias as LammpsBias
from .periodic import MINIMUM_VACUUM as MINIMUM_VACUUM
from .plumed import (
    ColvarFile as ColvarFile,
    write_colvar as write_colvar,
    write_hills as write_hills,
)
from .plumed_cv import export_plumed_cv as export_plumed_cv
from .tables import configurations_table as configurations_table, export_csv as export_csv
from .trajectory import (
    LeftOut as LeftOut,
    TrajectoryBlock as TrajectoryBlock,
    read_structure as read_structure,
    read_trajectory as read_trajectory,
)
