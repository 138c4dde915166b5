"""Terms added to a loss."""

from gclkit.regularizers.provable_training import ProvableTraining

__all__ = ["ProvableTraining"]
