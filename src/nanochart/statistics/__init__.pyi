from .agreement import window_agreement as window_agreement
from .bennett import Bennett as Bennett, bennett as bennett
from .blocks import Blocks as Blocks, make_blocks as make_blocks
from .correlation import (
    import_pymbar as import_pymbar,
    statistical_inefficiency as statistical_inefficiency,
)
from .estimate import Estimate as Estimate, student_half_width as student_half_width
from .mbar import (
    Mixture as Mixture,
    mixture_of as mixture_of,
    side_by_side as side_by_side,
    solve_mixture as solve_mixture,
)
from .populations import (
    Growth as Growth,
    Populations as Populations,
    StateShares as StateShares,
    growth as growth,
    lasting_changes as lasting_changes,
    state_populations as state_populations,
)
from .slices import slice_number as slice_number, slices_of as slices_of
from .weighted import Weighted as Weighted
