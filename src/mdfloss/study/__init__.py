"""Pairwise image studies, from the web page to JND."""

from .scaling import Scaling, preference, scale

__all__ = ["Scaling", "preference", "scale"]
