"""What a study is: its settings, its pictures, and the trials that one participant sees."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdfloss.files import atomic_write

__all__ = ["BAD", "GOOD", "Scene", "Study", "StudyConfig", "Trial", "plan_trials", "practice_trials"]

GOOD, BAD = "reference", "known-bad"
"""The two sides of an obvious (golden) trial: the reference itself, and a version ruined on purpose."""

MODES = ("side", "flip")
DESIGNS = ("full", "random", "active")


@dataclass(frozen=True)
class StudyConfig:
    """Settings of a study.

    Args:
        title: Heading of its pages.
        question: Asked at every trial.
        mode: "side" shows reference and both results side by side, "flip" one at a time in one place.
        design: What a participant sees: "full" every pair on every picture, "random" a balanced random subset,
            "active" the pairs with the largest expected information gain.
        trials: Real trials of a participant; "full" needs no number and ignores it.
        golden: Obvious trials among them; who misses one is screened out with the whole work unit.
        practice: Practice trials before them.
        break_every: A break screen comes after so many trials; 0 for none.
        open_entry: Let participants in by the ids that MTurk and Prolific put in the URL; by signed link only if not.
        completion_url: Where the last page leads; `{code}` in it becomes the completion code.
        seed: Seed of orders and sides.

    Raises:
        ValueError: A setting is out of its range.
    """

    title: str = "Picture comparison"
    question: str = "Which picture is closer to the reference?"
    mode: str = "side"
    design: str = "random"
    trials: int = 9
    golden: int = 2
    practice: int = 2
    break_every: int = 30
    open_entry: bool = False
    completion_url: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in (("mode", MODES), ("design", DESIGNS)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}: choose one of {', '.join(map(repr, allowed))}")
        for name, least in (("trials", 1), ("golden", 0), ("practice", 0), ("break_every", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be {least} or more")
        if self.completion_url and not self.completion_url.startswith("https://"):
            raise ValueError(f"completion_url is {self.completion_url!r}: it must start with https://")


@dataclass(frozen=True)
class Scene:
    """One picture of a study in all its versions.

    Attributes:
        name: Its name.
        width: In pixels.
        height: In pixels.
        images: Condition (and "reference", "known-bad") → opaque id of the image file.
    """

    name: str
    width: int
    height: int
    images: Mapping[str, str]


@dataclass(frozen=True)
class Trial:
    """One comparison, as it is laid out.

    Attributes:
        kind: "practice", "real" or "golden".
        scene: Name of the scene.
        left: Condition on the left (first in flip mode).
        right: Condition on the right.
    """

    kind: str
    scene: str
    left: str
    right: str


@dataclass(frozen=True)
class Study:
    """A study folder: `study.json`, `images/`, `pages/`, `secrets.json` and, once served, `votes.sqlite`."""

    folder: Path
    config: StudyConfig
    conditions: tuple[str, ...]
    scenes: tuple[Scene, ...]

    def scene(self, name: str) -> Scene:
        """The scene of that name."""
        return next(scene for scene in self.scenes if scene.name == name)

    def image_path(self, image_id: str) -> Path:
        """Where the image of an id from `Scene.images` lies."""
        return self.folder / "images" / f"{image_id}.png"

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All pairs of conditions."""
        return list(combinations(self.conditions, 2))

    def save(self) -> None:
        """Write `study.json`."""
        record = {
            "config": asdict(self.config),
            "conditions": self.conditions,
            "scenes": [asdict(scene) for scene in self.scenes],
        }
        with atomic_write(self.folder / "study.json", force=False) as partial:
            partial.write_text(json.dumps(record, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Study:
        """Read a study folder.

        Raises:
            FileNotFoundError: `folder` holds no `study.json`.
            ValueError: That file holds something else.
        """
        path = folder / "study.json"
        if not path.is_file():
            raise FileNotFoundError(f"{folder} is no study: it has no study.json; make one with `mdfloss study init`")
        try:
            record: Any = json.loads(path.read_text(encoding="utf-8"))
            if unknown := set(record["config"]) - {field.name for field in fields(StudyConfig)}:
                raise ValueError(f"unknown settings {sorted(unknown)}")
            scenes = tuple(Scene(**scene) for scene in record["scenes"])
            return cls(folder, StudyConfig(**record["config"]), tuple(record["conditions"]), scenes)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error


def practice_trials(study: Study, random: np.random.Generator) -> list[Trial]:
    """Practice trials: an obvious one first, then pairs of the study."""
    trials = []
    for number in range(study.config.practice):
        pair = (GOOD, BAD) if number == 0 else study.pairs[random.integers(len(study.pairs))]
        trials.append(_laid_out("practice", _any(study.scenes, random).name, pair, random))
    return trials


def plan_trials(
    study: Study,
    load: NDArray[np.int64],
    random: np.random.Generator,
    *,
    pairs: Sequence[tuple[int, int]] | None = None,
) -> list[Trial]:
    """Real and golden trials of one participant, in random order with random sides.

    Args:
        study: The study.
        load: Scenes × pairs (in the order of `study.pairs`): how often each trial was assigned so far. The least
            assigned come first, so that participants cover the design evenly.
        random: Source of order and sides.
        pairs: Condition indexes of the pairs to use, from active sampling; their scenes are balanced still.

    Returns:
        `config.trials` real trials, or all for the full design, with `config.golden` golden ones among them.
    """
    names = study.pairs
    if study.config.design == "full":
        chosen = [(scene, pair) for scene in range(len(study.scenes)) for pair in range(len(names))]
    else:
        place = {tuple(sorted(pair)): at for at, pair in enumerate(combinations(range(len(study.conditions)), 2))}
        wanted = None if pairs is None else [place[tuple(sorted(pair))] for pair in pairs]
        chosen = _balanced(load, study.config.trials, random, wanted)
    real = [_laid_out("real", study.scenes[scene].name, names[pair], random) for scene, pair in chosen]
    order = random.permutation(len(real))
    trials = [real[index] for index in order]
    for _ in range(study.config.golden):  # never first: a session starts with the real thing
        golden = _laid_out("golden", _any(study.scenes, random).name, (GOOD, BAD), random)
        trials.insert(int(random.integers(1, len(trials) + 1)), golden)
    return trials


def _balanced(
    load: NDArray[np.int64], number: int, random: np.random.Generator, wanted: Sequence[int] | None
) -> list[tuple[int, int]]:
    """Pick trials one by one: least assigned, then scenes and pairs that this participant has seen least."""
    load = load.copy()
    scene_use, pair_use = np.zeros(load.shape[0]), np.zeros(load.shape[1])
    chosen = []
    for turn in range(number):
        key = load * 1e6 + scene_use[:, None] * 1e3 + pair_use + random.random(load.shape)
        if wanted is not None:
            key[:, np.arange(load.shape[1]) != wanted[turn]] = np.inf
        scene, pair = np.unravel_index(int(key.argmin()), key.shape)
        load[scene, pair] += 1
        scene_use[scene] += 1
        pair_use[pair] += 1
        chosen.append((int(scene), int(pair)))
    return chosen


def _laid_out(kind: str, scene: str, pair: Sequence[str], random: np.random.Generator) -> Trial:
    left = int(random.integers(2))
    return Trial(kind, scene, pair[left], pair[1 - left])


def _any(scenes: Sequence[Scene], random: np.random.Generator) -> Scene:
    return scenes[int(random.integers(len(scenes)))]
