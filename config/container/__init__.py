"""The composition root: the only place where a port meets an adapter."""

from config.container.application import Application, running

__all__ = ["Application", "running"]
