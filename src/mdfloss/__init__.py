"""Train a task-specific image reconstruction loss from one image, and train restoration networks with it."""

from importlib.metadata import version

__version__ = version("mdfloss")
