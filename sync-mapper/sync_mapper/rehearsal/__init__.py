"""Mappings on rows at hand: no tap, no target, no network."""
