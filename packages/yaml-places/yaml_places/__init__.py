"""YAML files that people write: read with a clear word about what is wrong, and the place of everything in them."""

from __future__ import annotations

from yaml_places.places import At, Places
from yaml_places.reading import Document, YamlError, load

__all__ = ["At", "Document", "Places", "YamlError", "load"]
