"""Error answers of the Web API (fact sheet section 3). Codes marked "from memory" are not in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_HELP = "https://go.microsoft.com/fwlink/?linkid=2195293"


class ApiError(Exception):
    """An error answer to one request.

    Attributes:
        status: HTTP status.
        code: code of the error body; empty for those that have none.
        message: message of the error body.
        headers: further headers.
    """

    def __init__(self, status: int, code: str, message: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = tuple(headers)

    def body(self, *, annotated: bool = False) -> dict[str, Any]:
        """Returns the JSON body.

        Args:
            annotated: with what `Prefer: odata.include-annotations="*"` adds.
        """
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if annotated:
            error["@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus"] = "0"
            error["@Microsoft.PowerApps.CDS.ErrorDetails.SubErrorCode"] = "-2146233088"
            error["@Microsoft.PowerApps.CDS.HelpLink"] = (
                f"http://go.microsoft.com/fwlink/?LinkID=398563&error={self.code}"
            )
            error["@Microsoft.PowerApps.CDS.InnerError.Message"] = self.message
        return {"error": error}


def row_not_found(table: str, row_id: str) -> ApiError:
    """No row has that id."""
    return ApiError(404, "0x80040217", f"{table} With Id = {row_id} Does Not Exist")


def key_not_found(table: str) -> ApiError:
    """No row has those key values."""
    return ApiError(404, "0x80060891", f"A record with the specified key values does not exist in {table} entity")


def key_not_valid(table: str) -> ApiError:
    """A key URL names columns that are not exactly those of an alternate key whose index is active."""
    resource = f"Microsoft.Dynamics.CRM.{table}"
    return ApiError(
        400,
        "",
        f"The key in the request URI is not valid for resource '{resource}'. Ensure that the names and number of key "
        f"properties match the declared or alternate key properties for the resource '{resource}'.",
    )


def key_violated(key: str, columns: str) -> ApiError:
    """Another row has the values of an alternate key."""
    return ApiError(
        412,
        "0x80060892",
        f"Entity Key {key} violated. A record with the same value for {columns} already exists. A duplicate record "
        "cannot be created. Select one or more unique values and try again.",
    )


def row_exists() -> ApiError:
    """There is such a row already: an id given to a create, or `If-None-Match: *`."""
    return ApiError(412, "0x80040237", "A record with matching key values already exists.")


def version_differs() -> ApiError:
    """`If-Match` names another version than the row's."""
    return ApiError(
        412, "0x80060882", "The version of the existing record doesn't match the RowVersion property provided."
    )


def too_long(table: str, column: str, most: int) -> ApiError:
    """A text has more characters than its column takes."""
    return ApiError(
        400,
        "0x80044331",
        f"A validation error occurred.  The length of the '{column}' attribute of the '{table}' entity exceeded the "
        f"maximum allowed length of '{most}'.",
    )


def out_of_range(code: str, table: str, column: str) -> ApiError:
    """A number lies outside of its column's range, or no option has that value."""
    return ApiError(
        400,
        code,
        f"A validation error occurred.  The value of '{column}' on record of type '{table}' is outside the valid "
        "range.",
    )


def whole_number_out_of_range(table: str, column: str) -> ApiError:
    """A whole number lies outside of its column's range."""
    return out_of_range("0x8004432f", table, column)


def decimal_out_of_range(table: str, column: str) -> ApiError:
    """A decimal number or an amount lies outside of its column's range."""
    return out_of_range("0x80044330", table, column)


def no_such_option(table: str, column: str) -> ApiError:
    """A choice has no option of that value (code from memory)."""
    return out_of_range("0x8004431a", table, column)


def bad_status(table: str, status: object, state: object, row_id: str) -> ApiError:
    """A status reason does not belong to the state (code from memory)."""
    return ApiError(
        400,
        "0x80048408",
        f"{status} is not a valid status code for state code {state} on {table} with Id {row_id}.",
    )


def payload(set_name: str, message: str) -> ApiError:
    """A body that does not fit the table: wrong type, undeclared property, wrongly cased navigation name."""
    return ApiError(
        400,
        "0x80048d19",
        f"Error identified in Payload provided by the user for Entity :'{set_name}', For more information on this "
        f"error please follow this help link {_HELP}  ---->  InnerException : "
        f"Microsoft.OData.ODataException: {message}",
    )


def undeclared(set_name: str, table: str, name: str) -> ApiError:
    """A body names a property that the table does not have."""
    return payload(set_name, f"Invalid property '{name}' was found in entity 'Microsoft.Dynamics.CRM.{table}'.")


def undeclared_navigation(set_name: str, name: str) -> ApiError:
    """A body binds what is no navigation property of the table; case matters."""
    return payload(
        set_name,
        f"An undeclared property '{name}' which only has property annotations in the payload but no property value was "
        "found in the payload. In OData, only declared navigation properties and declared named streams can be "
        "represented as properties without values.",
    )


def cannot_delete() -> ApiError:
    """Other rows refer to the row, and the relationship forbids to leave them behind."""
    return ApiError(405, "0x80040227", "The object cannot be deleted because it is associated with another object.")


def unexpected() -> ApiError:
    """What the service says when it did not foresee something."""
    return ApiError(400, "0x80040216", "An unexpected error occurred.")


def bad_query(message: str) -> ApiError:
    """A query option or a batch that the service does not take."""
    return ApiError(400, "0x80060888", message)


def no_such_segment(name: str) -> ApiError:
    """A part of the path that leads nowhere (code from memory)."""
    return ApiError(404, "0x8006088a", f"Resource not found for the segment '{name}'.")


def wrong_method(method: str) -> ApiError:
    """A path that does not take this method."""
    return ApiError(405, "0x80060888", f"The requested resource does not support http method '{method}'.")


def url_too_long() -> ApiError:
    """A URL of more characters than the service takes (status from memory)."""
    return ApiError(414, "", "The request URL is too long.")


def missing_privilege(user_id: str, privilege: str, table: str) -> ApiError:
    """The roles of the user lack a privilege (text from memory)."""
    return ApiError(
        403,
        "0x80040220",
        f"Principal user (Id={user_id}, type=8, accessMode=4) is missing {privilege} privilege on OTC for entity "
        f"'{table}'. context.Caller={user_id}.",
    )


def not_a_member() -> ApiError:
    """The token is good, but the environment has no application user for it (code from memory)."""
    return ApiError(403, "0x80072560", "The user is not a member of the organization.")


def user_disabled(user_id: str) -> ApiError:
    """The application user is disabled (code from memory)."""
    return ApiError(403, "0x80040225", f"The specified user(Id = {user_id}) is disabled. Consider enabling this user.")


def custom_logic(text: str) -> ApiError:
    """A synchronous plug-in of the environment refuses the row (code from memory)."""
    return ApiError(400, "0x80040265", text)
