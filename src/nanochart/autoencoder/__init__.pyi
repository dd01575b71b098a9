from .architectures.network import (
    MIN_BINS as MIN_BINS,
    build_network as build_network,
    initialize_weights as initialize_weights,
)
from .architectures.recipe import Recipe as Recipe
from .architectures.registry import (
    ARCHITECTURES as ARCHITECTURES,
    encoder_source as encoder_source,
)
from .canonical import LatentFrame as LatentFrame, fold_frame as fold_frame
from .chart_module import ChartModule as ChartModule
from .config import TrainingConfig as TrainingConfig
from .history import History as History, Progress as Progress
from .metrics import explained_variance as explained_variance
from .model import Model as Model, load as load
from .reconstruction import Reconstruction as Reconstruction
from .split import (
    GUARD as GUARD,
    TEST as TEST,
    TRAIN as TRAIN,
    VALIDATION as VALIDATION,
    split_blocks as split_blocks,
)
from .tensor_file import read_tensors as read_tensors, write_tensors as write_tensors
from .training import train as train
from .verdict import Verdict as Verdict, judge as judge
