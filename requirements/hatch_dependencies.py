"""Reads the package's dependencies from runtime.in, so that they are listed once."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class RuntimeDependencies(MetadataHookInterface):
    """Fills `project.dependencies` at build time."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `dependencies` to the lines of runtime.in that are not comments."""
        lines = (Path(self.root) / "requirements" / "runtime.in").read_text().splitlines()
        metadata["dependencies"] = [line for line in lines if line and not line.startswith("#")]
