from .attachments import pack as pack, unpack as unpack
from .checkpoint import Checkpoint as Checkpoint
from .frames import Frames as Frames
from .lock import holder as holder
from .metadata import Metadata as Metadata, installed_versions as installed_versions
from .open import create as create, open as open  # noqa: A004
from .plan import (
    BIASED_MODEL as BIASED_MODEL,
    BIASED_PLAN as BIASED_PLAN,
    model_of as model_of,
    plan_of as plan_of,
)
from .reading import Damage as Damage
from .root import is_sealed as is_sealed
from .run import Run as Run
from .stream import (
    seed_of as seed_of,
    share_stream as share_stream,
    stream_fingerprint as stream_fingerprint,
    stream_seed as stream_seed,
)
from .variables import STAGES as STAGES, VARIABLES as VARIABLES, Variable as Variable
from .views import (
    Biased as Biased,
    Chart as Chart,
    Codes as Codes,
    Inherent as Inherent,
    Thermal as Thermal,
)
