from .catalogue import Catalogue as Catalogue
from .config import SearchConfig as SearchConfig
from .engine import (
    SearchState as SearchState,
    begin as begin,
    ended as ended,
    step as step,
)
from .minima import (
    FINAL_MAX_FORCE as FINAL_MAX_FORCE,
    SearchResult as SearchResult,
    finish as finish,
    minima as minima,
    tell as tell,
)
from .moves import MOVES as MOVES
from .point_group import point_group_order as point_group_order
from .vibrations import (
    hessian as hessian,
    log_frequency_product as log_frequency_product,
)
