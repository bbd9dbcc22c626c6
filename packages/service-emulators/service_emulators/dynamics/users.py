"""Users of the environment and what their security roles let them do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service_emulators.dynamics.errors import missing_privilege

if TYPE_CHECKING:
    from service_emulators.dynamics.schema.catalog import Catalog
    from service_emulators.dynamics.schema.model import Table

ADMINISTRATOR = "System Administrator"
TABLE_VERBS = ("Create", "Read", "Write", "Delete", "Append", "AppendTo", "Assign")
OTHER_PRIVILEGES = (
    "prvCreateAttribute",
    "prvWriteAttribute",
    "prvDeleteAttribute",
    "prvCreateEntityKey",
    "prvDeleteEntityKey",
    "prvPublishCustomization",
    "prvBypassCustomPlugins",
    "prvBypassCustomBusinessLogic",
    "prvActOnBehalfOfAnotherUser",
)


@dataclass
class User:
    """A user of the environment.

    Attributes:
        id: systemuserid.
        application_id: client id of the app registration, for an application user.
        roles: names of the security roles; without any the user may do nothing but ask who it is.
        missing: privileges the roles do not hold.
        disabled: the user is disabled.
        present: False as long as the environment has no user for the app registration.
    """

    id: str
    application_id: str
    roles: list[str] = field(default_factory=lambda: [ADMINISTRATOR])
    missing: set[str] = field(default_factory=set)
    disabled: bool = False
    present: bool = True

    def holds(self, privilege: str) -> bool:
        """Returns whether the roles hold a privilege, for example `prvCreateAccount`."""
        return bool(self.roles) and privilege not in self.missing

    def need(self, verb: str, table: Table) -> None:
        """Refuses a request for which the roles lack a privilege on a table.

        Args:
            verb: one of `TABLE_VERBS`.
            table: the table.

        Raises:
            ApiError: 403.
        """
        self.need_named(f"prv{verb}{table.info.schema_name}", table.name)

    def need_named(self, privilege: str, table: str) -> None:
        """Does the same for a privilege by its name."""
        if not self.holds(privilege):
            raise missing_privilege(self.id, privilege, table)


def all_privileges(catalog: Catalog) -> list[str]:
    """Returns the names of all privileges there are."""
    names = [f"prv{verb}{table.info.schema_name}" for table in catalog.tables().values() for verb in TABLE_VERBS]
    return [*names, *OTHER_PRIVILEGES]
