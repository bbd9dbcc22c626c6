"""Analysis of expressions before there is a row: types, nulls that would do harm, names that do not exist.

It knows the expression language of the SDK's stream maps and imports nothing that runs them, so that it costs little at
the start of every run.
"""

from __future__ import annotations

from sync_mapper.analysis.model import Analysis, Problem, Scope
from sync_mapper.analysis.parsing import parse
from sync_mapper.analysis.verdict import analyse

__all__ = ["Analysis", "Problem", "Scope", "analyse", "parse"]
