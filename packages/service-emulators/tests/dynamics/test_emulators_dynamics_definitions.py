"""Metadata: reading it, adding columns, options and alternate keys (fact sheet sections 5, 8 and 9)."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from .conftest import label

ACCOUNT = "EntityDefinitions(LogicalName='account')"
KINDS = "Microsoft.Dynamics.CRM."
STRONG = {"Consistency": "Strong"}
SOLUTION = {"MSCRM.SolutionUniqueName": "JdeIntegration"}


def column(kind, name, **more):
    shape = {"@odata.type": f"{KINDS}{kind}AttributeMetadata", "SchemaName": name, "DisplayName": label(name)}
    return {**shape, "RequiredLevel": {"Value": "None"}, **more}


def names(answer):
    return [one["LogicalName"] for one in answer["value"]]


def test_a_table(crm):
    asked = "EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,ChangeTrackingEnabled,IsOptimisticConcurrencyEnabled"
    answer = crm.ok("GET", f"{ACCOUNT}?$select={asked}")
    assert {name: answer[name] for name in asked.split(",")} == {
        "EntitySetName": "accounts",
        "PrimaryIdAttribute": "accountid",
        "PrimaryNameAttribute": "name",
        "ChangeTrackingEnabled": True,
        "IsOptimisticConcurrencyEnabled": True,
    }
    assert set(answer) == {"@odata.context", "MetadataId", *asked.split(",")}
    assert crm.ok("GET", f"EntityDefinitions({answer['MetadataId']})")["LogicalName"] == "account"
    assert crm.refused("GET", "EntityDefinitions(LogicalName='nothing')")[0] == 404
    assert crm.refused("GET", "EntityDefinitions(SchemaName='Account')")[0] == 400


def test_the_list_of_tables(crm):
    answer = crm.ok("GET", "EntityDefinitions?$select=LogicalName,EntitySetName&$filter=ChangeTrackingEnabled eq true")
    sets = {one["LogicalName"]: one["EntitySetName"] for one in answer["value"]}
    assert sets["transactioncurrency"] == "transactioncurrencies"
    assert "sdkmessage" not in sets
    assert set(names(crm.ok("GET", "EntityDefinitions"))) > set(sets)


def test_columns_without_a_cast_have_no_properties_of_their_type(crm):
    asked = "LogicalName,SchemaName,AttributeType,RequiredLevel,IsValidForCreate,IsValidForUpdate,IsValidForRead"
    answer = crm.ok("GET", f"{ACCOUNT}/Attributes?$select={asked}&$filter=AttributeOf eq null")
    found = {one["LogicalName"]: one for one in answer["value"]}
    assert found["name"]["@odata.type"] == "#Microsoft.Dynamics.CRM.StringAttributeMetadata"
    assert found["name"]["RequiredLevel"]["Value"] == "ApplicationRequired"
    assert found["statecode"]["IsValidForCreate"] is False
    assert found["statecode"]["IsValidForUpdate"] is True
    assert set(found["name"]) == {"@odata.type", "MetadataId", *asked.split(",")}
    assert "paymenttermscodename" not in found
    shadows = crm.ok("GET", f"{ACCOUNT}/Attributes?$select=LogicalName&$filter=AttributeOf ne null")
    assert "paymenttermscodename" in names(shadows)
    assert len(crm.ok("GET", f"{ACCOUNT}/Attributes")["value"]) > 215
    assert "MaxLength" not in crm.ok("GET", f"{ACCOUNT}/Attributes")["value"][0]
    assert crm.refused("GET", f"{ACCOUNT}/Attributes?$select=MaxLength")[0] == 400


def test_columns_by_type(crm):
    def cast(kind, query):
        answer = crm.ok("GET", f"{ACCOUNT}/Attributes/{KINDS}{kind}AttributeMetadata?$select={query}")
        return {one["LogicalName"]: one for one in answer["value"]}

    assert cast("String", "LogicalName,MaxLength,FormatName")["emailaddress1"]["FormatName"] == {"Value": "Email"}
    assert cast("String", "LogicalName,MaxLength")["name"]["MaxLength"] == 160
    assert cast("Memo", "LogicalName,MaxLength")["description"]["MaxLength"] == 2000
    money = cast("Money", "LogicalName,MinValue,MaxValue,Precision")["creditlimit"]
    assert (money["MinValue"], money["MaxValue"], money["Precision"]) == (0, 1e14, 2)
    assert cast("Integer", "LogicalName,MaxValue")["numberofemployees"]["MaxValue"] == 1e9
    assert cast("DateTime", "LogicalName,DateTimeBehavior")["modifiedon"]["DateTimeBehavior"] == {"Value": "UserLocal"}
    assert cast("Boolean", "LogicalName,DefaultValue")["creditonhold"]["DefaultValue"] is False
    lookups = cast("Lookup", "LogicalName,Targets,AttributeType")
    assert lookups["primarycontactid"]["Targets"] == ["contact"]
    assert lookups["ownerid"]["AttributeType"] == "Owner"
    assert cast("BigInt", "LogicalName")
    assert cast("Double", "LogicalName")
    assert cast("Decimal", "LogicalName")
    assert cast("UniqueIdentifier", "LogicalName")
    assert cast("MultiSelectPicklist", "LogicalName") == {}
    assert crm.refused("GET", f"{ACCOUNT}/Attributes/{KINDS}NothingAttributeMetadata")[0] == 404


def test_options(crm):
    path = f"{ACCOUNT}/Attributes/{KINDS}PicklistAttributeMetadata?$select=LogicalName"
    answer = crm.ok("GET", f"{path}&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)")
    found = {one["LogicalName"]: one for one in answer["value"]}
    terms = found["paymenttermscode"]
    assert terms["GlobalOptionSet"] is None
    options = {one["Value"]: one["Label"]["UserLocalizedLabel"]["Label"] for one in terms["OptionSet"]["Options"]}
    assert options == {1: "Net 30", 2: "2% 10, Net 30", 3: "Net 45", 4: "Net 60"}
    assert "OptionSet" not in crm.ok("GET", path)["value"][0]
    states = crm.ok("GET", f"{ACCOUNT}/Attributes/{KINDS}StateAttributeMetadata?$select=LogicalName&$expand=OptionSet")
    assert [one["DefaultStatus"] for one in states["value"][0]["OptionSet"]["Options"]] == [1, 2]
    reasons = crm.ok("GET", f"{ACCOUNT}/Attributes/{KINDS}StatusAttributeMetadata?$expand=OptionSet($select=Options)")
    assert [one["State"] for one in reasons["value"][0]["OptionSet"]["Options"]] == [0, 1]
    assert crm.refused("GET", f"{ACCOUNT}/Attributes?$expand=OptionSet")[0] == 400


def test_one_column_and_its_options(crm):
    path = f"{ACCOUNT}/Attributes(LogicalName='creditonhold')"
    assert crm.ok("GET", f"{path}?$select=AttributeType")["AttributeType"] == "Boolean"
    cast = f"{path}/{KINDS}BooleanAttributeMetadata"
    assert crm.ok("GET", f"{cast}?$expand=OptionSet")["OptionSet"]["TrueOption"]["Value"] == 1
    assert crm.ok("GET", f"{cast}/OptionSet")["FalseOption"]["Value"] == 0
    assert crm.refused("GET", f"{path}/{KINDS}StringAttributeMetadata")[0] == 404
    assert crm.refused("GET", f"{ACCOUNT}/Attributes(LogicalName='nothing')")[0] == 404


def test_filters_by_enums(crm):
    money = "AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Money' and IsValidForUpdate eq true"
    assert set(names(crm.ok("GET", f"{ACCOUNT}/Attributes?$select=LogicalName&$filter={money}"))) >= {
        "creditlimit",
        "revenue",
        "marketcap",
    }
    needed = "RequiredLevel/Value eq Microsoft.Dynamics.CRM.AttributeRequiredLevel'ApplicationRequired'"
    path = f"{ACCOUNT}/Attributes?$select=LogicalName&$filter={needed} and AttributeOf eq null"
    assert names(crm.ok("GET", path)) == ["name"]


def test_the_document(crm):
    answer = crm.call("GET", "$metadata")
    assert answer.headers["Content-Type"] == "application/xml"
    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    root = ET.fromstring(answer.content)
    types = {one.get("Name"): one for one in root.iter(f"{edm}EntityType")}
    columns = {one.get("Name"): one.attrib for one in types["contact"].iter(f"{edm}Property")}
    assert columns["lastname"] == {"Name": "lastname", "Type": "Edm.String", "MaxLength": "50"}
    assert columns["birthdate"]["Type"] == "Edm.Date"
    assert columns["modifiedon"]["Type"] == "Edm.DateTimeOffset"
    assert columns["creditlimit"]["Type"] == "Edm.Decimal"
    assert columns["statecode"]["Type"] == "Edm.Int32"
    assert columns["_parentcustomerid_value"]["Type"] == "Edm.Guid"
    navigation = {one.get("Name"): one.get("Type") for one in types["contact"].iter(f"{edm}NavigationProperty")}
    assert navigation["parentcustomerid_account"] == "mscrm.account"
    assert navigation["account_primary_contact"] == "Collection(mscrm.account)"
    sets = {one.get("Name"): one.get("EntityType") for one in root.iter(f"{edm}EntitySet")}
    assert sets["transactioncurrencies"] == "Microsoft.Dynamics.CRM.transactioncurrency"
    names = {one.get("PropertyPath") for one in types["account"].iter(f"{edm}PropertyValue")}
    assert "jde_number" in names


@pytest.mark.parametrize("option", ["$top=1", "$skip=1", "$orderby=LogicalName", "$count=true"])
def test_metadata_takes_no_paging(crm, option):
    assert crm.refused("GET", f"EntityDefinitions?{option}")[:2] == (400, "0x80060888")


def test_relationships(crm):
    asked = "ReferencingAttribute,ReferencingEntityNavigationPropertyName,ReferencedEntity"
    path = "EntityDefinitions(LogicalName='contact')/ManyToOneRelationships"
    found = {
        one["ReferencingEntityNavigationPropertyName"]: (one["ReferencingAttribute"], one["ReferencedEntity"])
        for one in crm.ok("GET", f"{path}?$select={asked}")["value"]
    }
    assert found["parentcustomerid_account"] == ("parentcustomerid", "account")
    assert found["parentcustomerid_contact"] == ("parentcustomerid", "contact")
    only = crm.ok("GET", f"{ACCOUNT}/ManyToOneRelationships?$filter=ReferencingAttribute eq 'slaid'")["value"]
    assert [one["ReferencingEntityNavigationPropertyName"] for one in only] == ["sla_account_sla"]
    others = crm.ok("GET", f"{ACCOUNT}/OneToManyRelationships?$filter=ReferencingEntity eq 'contact'")["value"]
    assert "contact_customer_accounts" in {one["ReferencedEntityNavigationPropertyName"] for one in others}


def test_tables_with_what_belongs_to_them(crm):
    path = f"{ACCOUNT}?$select=LogicalName&$expand=Keys($select=SchemaName),Attributes($select=LogicalName;"
    answer = crm.ok("GET", path + "$filter=AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Memo')")
    assert [one["SchemaName"] for one in answer["Keys"]] == ["jde_Number_Key"]
    assert "description" in {one["LogicalName"] for one in answer["Attributes"]}
    assert crm.refused("GET", f"{ACCOUNT}?$expand=Nothing")[0] == 400


@pytest.mark.parametrize(
    ("body", "good", "bad", "code"),
    [
        (column("String", "jde_Text", MaxLength=5, FormatName={"Value": "Text"}), "x" * 5, "x" * 6, "0x80044331"),
        (column("Memo", "jde_Memo", MaxLength=2000), "x" * 2000, "x" * 2001, "0x80044331"),
        (column("Integer", "jde_Whole", MinValue=1, MaxValue=9), 9, 10, "0x8004432f"),
        (column("Decimal", "jde_Decimal", MinValue=0, MaxValue=9.5, Precision=4), 1.2345, 9.6, "0x80044330"),
        (column("Double", "jde_Double"), 1.5, "1", "0x80048d19"),
        (column("Money", "jde_Money", PrecisionSource=0, Precision=2), 12.34, 1e16, "0x80044330"),
        (
            column("DateTime", "jde_Day", DateTimeBehavior={"Value": "DateOnly"}),
            "2026-01-09",
            "2026-01-09T00:00:00Z",
            "0x80048d19",
        ),
        (column("DateTime", "jde_Moment", Format="DateAndTime"), "2026-01-09T14:05:00Z", "2026-01-09", "0x80048d19"),
        (
            column(
                "Boolean",
                "jde_Flag",
                OptionSet={
                    "TrueOption": {"Value": 1, "Label": label("Yes")},
                    "FalseOption": {"Value": 0, "Label": label("No")},
                },
            ),
            True,
            1,
            "0x80048d19",
        ),
        (
            column(
                "Picklist", "jde_Choice", OptionSet={"IsGlobal": False, "Options": [{"Value": 7, "Label": label("A")}]}
            ),
            7,
            8,
            "0x8004431a",
        ),
        (
            column(
                "MultiSelectPicklist",
                "jde_Choices",
                OptionSet={"Options": [{"Value": 1, "Label": label("A")}, {"Value": 2, "Label": label("B")}]},
            ),
            "1,2",
            "1,3",
            "0x8004431a",
        ),
    ],
    ids=lambda value: value["SchemaName"] if isinstance(value, dict) else None,
)
def test_columns_are_made_and_checked(crm, body, good, bad, code):
    answer = crm.call("POST", f"{ACCOUNT}/Attributes", body, **SOLUTION)
    assert (answer.status_code, answer.content) == (204, b"")
    made = crm.session.get(answer.headers["OData-EntityId"], headers=STRONG).json()
    name = made["LogicalName"]
    assert (name, made["SchemaName"], made["IsCustomAttribute"]) == (
        body["SchemaName"].lower(),
        body["SchemaName"],
        True,
    )
    row = crm.row("accounts", crm.add("accounts", **{name: good}))
    assert row[name] == good
    assert crm.refused("POST", "accounts", {name: bad})[:2] == (400, code)
    assert crm.refused("POST", f"{ACCOUNT}/Attributes", body)[:2] == (400, "0x80047013")
    if name == "jde_money":
        assert row["jde_money_base"] == good
    if name == "jde_choices":
        assert made["AttributeType"] == "Virtual"
        assert made["AttributeTypeName"] == {"Value": "MultiSelectPicklistType"}


@pytest.mark.parametrize(
    "body",
    [
        column("String", "an8"),
        column("String", "xyz_an8"),
        column("Lookup", "jde_Lookup"),
        column("String", "jde_x", MaxLength=4001),
        column("String", "jde_x", MaxLength="20"),
        column("String", "jde_x", Precision=2),
        column("String", "jde_x", FormatName="Text"),
        column("Integer", "jde_x", MaxValue=3_000_000_000),
        column("Money", "jde_x", Precision=5),
        column("DateTime", "jde_x", DateTimeBehavior={"Value": "Local"}),
        column("DateTime", "jde_x", DateTimeBehavior={"Value": "DateOnly"}, Format="DateAndTime"),
        column("Boolean", "jde_x"),
        column("Picklist", "jde_x"),
        column("Picklist", "jde_x", OptionSet={"Options": [{"Value": 1}]}),
        {**column("String", "jde_x"), "DisplayName": None},
        {**column("String", "jde_x"), "DisplayName": "x"},
        {**column("String", "jde_x"), "RequiredLevel": "None"},
        {"SchemaName": "jde_x", "DisplayName": label("x")},
    ],
)
def test_columns_that_cannot_be_made(crm, body):
    assert crm.refused("POST", f"{ACCOUNT}/Attributes", body)[:2] == (400, "0x80048d19")


def test_a_solution_must_be_there(crm):
    headers = {"MSCRM.SolutionUniqueName": "Nothing"}
    assert crm.refused("POST", f"{ACCOUNT}/Attributes", column("String", "jde_Solution"), **headers)[0] == 404
    assert crm.refused("GET", f"{ACCOUNT}/Attributes(LogicalName='jde_solution')", **STRONG)[0] == 404


def test_changes_of_the_schema_reach_weak_reads_later(crm):
    crm.control.set_clock(now="2026-11-20T09:30:00")
    crm.ok("POST", f"{ACCOUNT}/Attributes", column("String", "jde_Late", MaxLength=20))
    crm.ok("POST", f"{ACCOUNT}/Keys", {"SchemaName": "jde_LateKey", "KeyAttributes": ["jde_late"]})
    crm.ok("POST", "InsertOptionValue", option("Late"))
    path, keys = f"{ACCOUNT}/Attributes?$select=LogicalName", f"{ACCOUNT}/Keys?$select=LogicalName"
    terms = f"{ACCOUNT}/Attributes(LogicalName='paymenttermscode')/{KINDS}PicklistAttributeMetadata/OptionSet"

    def seen(**headers):
        options = [one["Label"]["UserLocalizedLabel"]["Label"] for one in crm.ok("GET", terms, **headers)["Options"]]
        found = names(crm.ok("GET", path, **headers)), names(crm.ok("GET", keys, **headers))
        return "jde_late" in found[0], "jde_latekey" in found[1], "Late" in options

    assert seen() == (False, False, False)
    assert seen(**STRONG) == (True, True, True)
    assert crm.refused("GET", f"{ACCOUNT}/Attributes(LogicalName='jde_late')")[0] == 404
    crm.control.set_clock(now="2026-11-20T09:30:03")
    assert seen() == (True, True, True)
    key = crm.ok("GET", f"{ACCOUNT}/Keys(LogicalName='jde_latekey')")
    crm.ok("DELETE", f"{ACCOUNT}/Keys({key['MetadataId']})")


def option(text, **more):
    return {"EntityLogicalName": "account", "AttributeLogicalName": "paymenttermscode", "Label": label(text), **more}


def test_options_are_numbered_from_the_publishers_prefix(crm):
    body = crm.ok("POST", "InsertOptionValue", option("Net 90", SolutionUniqueName="JdeIntegration"))
    first = body["NewOptionValue"]
    assert first == 727_000_000
    assert crm.ok("POST", "InsertOptionValue", option("Net 99", SolutionUniqueName="JdeIntegration")) == {
        "@odata.context": body["@odata.context"],
        "NewOptionValue": first + 1,
    }
    assert crm.ok("POST", "InsertOptionValue", option("Net 120", Value=55))["NewOptionValue"] == 55
    assert crm.row("accounts", crm.add("accounts", paymenttermscode=first))["paymenttermscode"] == first
    assert crm.ok("POST", "PublishXml", {"ParameterXml": "<importexportxml><entities/></importexportxml>"}) is None
    assert crm.call("POST", "PublishAllXml").status_code == 204


def test_options_that_cannot_be_inserted(crm):
    assert crm.refused("POST", "InsertOptionValue", option("x", Value=1))[:2] == (400, "0x80048403")
    assert crm.refused("POST", "InsertOptionValue", option("x", Value="1"))[0] == 400
    assert crm.refused("POST", "InsertOptionValue", {**option("x"), "Label": None})[0] == 400
    assert crm.refused("POST", "InsertOptionValue", {**option("x"), "AttributeLogicalName": "name"})[0] == 400
    assert crm.refused("POST", "InsertOptionValue", option("x", Nothing=1))[0] == 400
    assert crm.refused("POST", "InsertOptionValue", option("x", SolutionUniqueName="Nothing"))[0] == 404
    assert crm.refused("POST", "PublishXml", {"ParameterXml": "<x/>"})[0] == 400
    assert crm.refused("POST", "PublishXml", {"ParameterXml": "x"})[0] == 400


def test_customizing_takes_privileges(crm):
    crm.control.set_user(
        missing=["prvCreateAttribute", "prvCreateEntityKey", "prvWriteAttribute", "prvPublishCustomization"]
    )
    assert crm.refused("POST", f"{ACCOUNT}/Attributes", column("String", "jde_No"))[:2] == (403, "0x80040220")
    assert crm.refused("POST", f"{ACCOUNT}/Keys", {"SchemaName": "jde_K", "KeyAttributes": ["name"]})[0] == 403
    assert crm.refused("POST", "InsertOptionValue", option("x"))[0] == 403
    assert crm.refused("POST", "PublishAllXml")[0] == 403


def status(crm, name):
    answer = crm.ok("GET", f"{ACCOUNT}/Keys?$select=SchemaName,KeyAttributes,EntityKeyIndexStatus", **STRONG)
    return next(one["EntityKeyIndexStatus"] for one in answer["value"] if one["SchemaName"] == name)


def test_an_index_is_built_in_its_own_time_and_only_then_the_key_works(fresh_crm):
    crm = fresh_crm
    crm.control.set_clock(now="2026-11-20T09:30:00")
    crm.control.switch(key_index_ms=10_000)
    crm.ok("POST", f"{ACCOUNT}/Attributes", column("String", "jde_An8", MaxLength=20))
    answer = crm.call(
        "POST", f"{ACCOUNT}/Keys", {"SchemaName": "jde_An8Key", "KeyAttributes": ["jde_an8"], "DisplayName": label("k")}
    )
    assert (answer.status_code, answer.content) == (204, b"")
    assert "/Keys(" in answer.headers["OData-EntityId"]
    assert status(crm, "jde_An8Key") == "Pending"
    assert crm.refused("PATCH", "accounts(jde_an8='1')", {"name": "x"})[:2] == (400, "")
    crm.control.set_clock(now="2026-11-20T09:30:05")
    assert status(crm, "jde_An8Key") == "InProgress"
    assert crm.refused("GET", "accounts(jde_an8='1')")[:2] == (400, "")
    crm.control.set_clock(now="2026-11-20T09:30:10")
    assert status(crm, "jde_An8Key") == "Active"
    assert crm.call("PATCH", "accounts(jde_an8='1')", {"name": "x"}).status_code == 204


def test_duplicates_let_an_index_fail_until_they_are_gone(fresh_crm):
    crm = fresh_crm
    crm.control.switch(key_index_ms=0)
    first, _ = crm.add("accounts", name="a", accountnumber="1"), crm.add("accounts", name="b", accountnumber="1")
    crm.ok("POST", f"{ACCOUNT}/Keys", {"SchemaName": "jde_NumberKey", "KeyAttributes": ["accountnumber"]})
    assert status(crm, "jde_NumberKey") == "Failed"
    assert crm.refused("GET", "accounts(accountnumber='1')")[:2] == (400, "")
    body = {"EntityLogicalName": "account", "EntityKeyLogicalName": "jde_numberkey"}
    crm.ok("POST", "ReactivateEntityKey", body)
    assert status(crm, "jde_NumberKey") == "Failed"
    crm.ok("DELETE", f"accounts({first})")
    assert status(crm, "jde_NumberKey") == "Failed"
    crm.ok("POST", "ReactivateEntityKey", body)
    assert status(crm, "jde_NumberKey") == "Active"
    assert crm.ok("GET", "accounts(accountnumber='1')")["name"] == "b"
    assert crm.refused("POST", "ReactivateEntityKey", body)[:2] == (400, "0x80060890")
    assert crm.refused("POST", "ReactivateEntityKey", {**body, "EntityKeyLogicalName": "x"})[0] == 404


def test_a_deleted_key_guards_nothing(fresh_crm):
    crm = fresh_crm
    crm.control.switch(key_index_ms=0)
    crm.ok("POST", f"{ACCOUNT}/Keys", {"SchemaName": "jde_NumberKey", "KeyAttributes": ["accountnumber"]})
    crm.add("accounts", accountnumber="1")
    assert crm.refused("POST", "accounts", {"accountnumber": "1"})[0] == 412
    crm.ok("DELETE", f"{ACCOUNT}/Keys(LogicalName='jde_numberkey')")
    crm.add("accounts", accountnumber="1")


def test_keys_of_several_columns_numbers_and_lookups(fresh_crm):
    crm = fresh_crm
    crm.control.switch(key_index_ms=0)
    crm.ok(
        "POST", f"{ACCOUNT}/Keys", {"SchemaName": "jde_Two", "KeyAttributes": ["accountnumber", "numberofemployees"]}
    )
    crm.ok("POST", f"{ACCOUNT}/Keys", {"SchemaName": "jde_Parent", "KeyAttributes": ["parentaccountid"]})
    two = "accounts(numberofemployees=3,accountnumber='1')"
    assert crm.call("PATCH", two, {"name": "x"}).status_code == 204
    row = crm.ok("GET", two)
    assert (row["accountnumber"], row["numberofemployees"]) == ("1", 3)
    assert crm.refused("GET", "accounts(accountnumber='1')")[:2] == (400, "")
    child = f"accounts(_parentaccountid_value={row['accountid']})"
    assert crm.call("PATCH", child, {"name": "child"}).status_code == 204
    assert crm.ok("GET", child)["_parentaccountid_value"] == row["accountid"]
    crm.add("accounts", name="without")
    crm.add("accounts", name="without")


def test_keys_that_cannot_be_made(crm):
    def refused(name, *columns):
        return crm.refused("POST", f"{ACCOUNT}/Keys", {"SchemaName": name, "KeyAttributes": list(columns)})[:2]

    invalid = (400, "0x80060890")
    assert refused("jde_K", "nothing") == invalid
    assert refused("jde_K", "description") == invalid
    assert refused("jde_K", "creditlimit") == invalid
    assert refused("jde_K", "jde_number") == invalid
    assert refused("jde_Number_Key", "name") == invalid
    assert refused("jde_K", "address1_line1", "address1_line2") == invalid  # 1,000 bytes
    assert refused("Key", "name") == (400, "0x80048d19")
    assert refused("jde_K") == (400, "0x80048d19")
    assert refused("jde_K", "name", "name") == (400, "0x80048d19")
    texts = [f"address1_telephone{number}" for number in (1, 2, 3)] + [f"telephone{number}" for number in (1, 2, 3)]
    texts += ["fax", "accountnumber", "sic"]
    for text in texts:
        crm.ok("POST", f"{ACCOUNT}/Keys", {"SchemaName": f"jde_{text}", "KeyAttributes": [text]})
    assert refused("jde_Eleventh", "tickersymbol") == invalid
    for text in texts:
        crm.ok("DELETE", f"{ACCOUNT}/Keys(LogicalName='jde_{text}')")
