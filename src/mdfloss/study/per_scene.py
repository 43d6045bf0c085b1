"""Scores of single scenes: how much what people prefer depends on the picture."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .intervals import Intervals, bootstrap, without_observers
from .scaling import DisconnectedWarning
from .votes import Votes

__all__ = ["SceneScores", "scale_scenes"]


@dataclass(frozen=True)
class SceneScores:
    """The scores of one scene.

    Attributes:
        scene: Its name.
        conditions: The conditions that were voted on.
        votes: Votes that each of them was part of.
        intervals: Their scores with intervals, zero at the mean of this scene.
    """

    scene: str
    conditions: tuple[str, ...]
    votes: NDArray[np.int64]
    intervals: Intervals


def scale_scenes(votes: Votes, *, samples: int = 500, seed: int = 0, prior: str = "gaussian") -> list[SceneScores]:
    """Scale each scene by itself, as pwcmp does; conditions that a scene does not have are left out of its scaling.

    Args:
        votes: Screened votes.
        samples: Bootstrap draws of each scene.
        seed: Their seed.
        prior: As in `scale`.

    Returns:
        One entry a scene with votes, in the order of `votes.scenes`.
    """
    return [
        _scale_scene(votes.keep(votes.scene == at), votes.scenes[at], samples=samples, seed=seed, prior=prior)
        for at in np.unique(votes.scene)
    ]


def _scale_scene(votes: Votes, scene: str, *, samples: int, seed: int, prior: str) -> SceneScores:
    counts = votes.counts_by_observer()
    total = counts.sum((0, 1)) + counts.sum((0, 2))
    seen = np.flatnonzero(total)
    counts = counts[:, seen[:, None], seen]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DisconnectedWarning)  # few votes a scene: the rule
        if len(np.unique(votes.observer)) > 1:
            found = bootstrap(counts, samples=samples, seed=seed, prior=prior)
        else:
            found = without_observers(counts.sum(0), prior=prior)
    return SceneScores(scene, tuple(votes.conditions[at] for at in seen), total[seen], found)
