"""What the security roles of the application user allow.

The privileges a user holds come from the function `RetrieveUserPrivileges`, bound to the user; those a table has come
with its metadata (Web API reference, "RetrieveUserPrivileges Function" and "SecurityPrivilegeMetadata ComplexType").
They are compared by id: names do not always follow the table's.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from target_dynamics.metadata import listed

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from target_dynamics.client import DynamicsClient

NEEDED: t.Final = ("Create", "Read", "Write")
"""Kinds of privileges no load of a table works without."""

FOR_LOOKUPS: t.Final = ("Append", "AppendTo")
"""Kinds of privileges on both tables of a lookup that is written."""

WHOLE: t.Final = "Global"
"""Access level of the whole organisation; others hide rows of other business units or users."""


@dataclass(frozen=True)
class Lack:
    """What the roles do not allow on a table.

    Attributes:
        needed: Names of missing privileges that every load needs.
        lookups: Names of missing privileges that lookups need.
        narrow: Names of privileges that are held, but not for the whole organisation.
    """

    needed: tuple[str, ...]
    lookups: tuple[str, ...]
    narrow: tuple[str, ...]


@dataclass(frozen=True)
class Held:
    """The privileges a user holds through all roles and teams.

    Attributes:
        levels: Id of a privilege -> access level.
        names: Their names.
    """

    levels: Mapping[str, str]
    names: frozenset[str]


def held(client: DynamicsClient, user: str) -> Held:
    """Return the privileges a user holds.

    Args:
        client: Client of the environment.
        user: Id of the user.
    """
    data = client.get(f"/systemusers({user})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges").data
    found = {"value": data.get("RolePrivileges")} if isinstance(data, dict) else None
    items = listed(found, "the privileges of the application user")
    return Held(
        {str(one["PrivilegeId"]).lower(): str(one.get("Depth") or "") for one in items},
        frozenset(str(one["PrivilegeName"]) for one in items if one.get("PrivilegeName")),
    )


def lack(privileges: Iterable[Mapping[str, t.Any]], own: Mapping[str, str], kinds: Sequence[str]) -> Lack:
    """Compare the privileges a table has with those held.

    Args:
        privileges: The table's, as its metadata has them.
        own: Id of a privilege held -> access level.
        kinds: Kinds every load needs.
    """
    by_kind = {str(one["PrivilegeType"]): one for one in privileges}
    levels = {kind: own.get(str(one["PrivilegeId"]).lower()) for kind, one in by_kind.items()}

    def names(wanted: Iterable[str]) -> tuple[str, ...]:
        return tuple(str(by_kind[kind]["Name"]) for kind in wanted if kind in by_kind)

    return Lack(
        needed=names(kind for kind in kinds if levels.get(kind) is None),
        lookups=names(kind for kind in FOR_LOOKUPS if levels.get(kind) is None),
        narrow=names(kind for kind in kinds if levels.get(kind) not in {None, WHOLE}),
    )
