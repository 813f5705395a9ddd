"""Deferred commands: `openstoq --help` lists them all, and a process imports only the one it runs."""

from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand


class Deferred(TyperCommand):
    """A command in the module of its name, which is imported once the command is called."""

    def __init__(self, name: str, help: str) -> None:
        super().__init__(name, help=help)

    @cached_property
    def command(self) -> Any:
        """The command itself, which the `app` of its module has."""
        return typer.main.get_command(import_module(f"openstoq.commands.{self.name}").app)

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the arguments of the command itself, which is then the one that runs."""
        return self.command.make_context(*arguments, **options)
