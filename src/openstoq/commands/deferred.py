"""Deferred commands: `openstoq --help` lists them all, and a process imports only the one it runs."""

from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand


class Deferred(TyperCommand):
    """A command whose module is imported only when the command is called.

    By default, the module has the command's name.
    """

    def __init__(self, name: str, help: str, *, module: str | None = None) -> None:
        super().__init__(name, help=help)
        self._module = module or name

    @cached_property
    def command(self) -> Any:
        """The real command, made from the `app` of its module."""
        return typer.main.get_command(import_module(f"openstoq.commands.{self._module}").app)

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Have the real command parse the arguments, so that it runs instead of this one."""
        return self.command.make_context(*arguments, **options)
