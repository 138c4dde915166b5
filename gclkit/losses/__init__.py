"""Embeddings in, scalar out."""

from gclkit.losses.infonce import InfoNCE, infonce
from gclkit.losses.team_up import TeamUp, team_up

__all__ = ["InfoNCE", "TeamUp", "infonce", "team_up"]
