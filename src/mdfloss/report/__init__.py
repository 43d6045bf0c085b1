"""The page of a comparison: one HTML file that carries its pictures, plots, style and script, and loads nothing."""

from .page import Page as Page
from .page import Plot as Plot
from .page import Scene as Scene
from .page import Section as Section
from .page import write_page as write_page

__all__ = ["Page", "Plot", "Scene", "Section", "write_page"]
