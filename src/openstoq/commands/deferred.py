"""Deferred commands: `openstoq --help` lists them all, and a process imports only the one it runs."""

from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand


class Deferred(TyperCommand):
    """A command whose module is imported only when the command is called.

    The module has the name of the command.
    """

    def __init__(self, name: str, help: str) -> None:
        super().__init__(name, help=help)

    @cached_property
    def command(self) -> Any:
        """The command itself: the only command of its module's `app`."""
        return typer.main.get_command(import_module(f"openstoq.commands.{self.name}").app)

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Have the command itself read the arguments, so that it is the one that runs."""
        return self.command.make_context(*arguments, **options)
