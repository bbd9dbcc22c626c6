"""The modules and fields a new org has, as text: a line per field with API name, type and what is particular about it.

Which fields there are: fact sheet section 6. Lengths and lists: "Standard Fields in …" of Zoho's help, where the sheet
says nothing. Types are those of the fields API; a number behind one is the length, a module behind `lookup` the target,
and what follows `picklist` the values. `*` marks a field a record must have, `-` one that only the service sets.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldLine:
    """One line of a module's text.

    Attributes:
        api_name: API name.
        label: label, made from the API name unless it was given.
        data_type: type of the fields API.
        length: length of a text.
        target: module of a lookup.
        options: values of a picklist.
        mandatory: a record must have it.
        read_only: only the service sets it.
    """

    api_name: str
    label: str
    data_type: str
    length: int | None
    target: str | None
    options: tuple[str, ...]
    mandatory: bool
    read_only: bool


@dataclass(frozen=True)
class ModuleText:
    """One default module.

    Attributes:
        singular: label of one record.
        display_field: field that names a record.
        duplicate_field: field by which the service itself finds duplicates.
        text: its fields.
    """

    singular: str
    display_field: str
    duplicate_field: str
    text: str


SYSTEM_FIELDS = """
id bigint -
Owner ownerlookup
Tag tag
Created_By ownerlookup -
Modified_By ownerlookup -
Created_Time datetime -
Modified_Time datetime -
Record_Status__s picklist - Available;Draft;Trash
Locked__s boolean -
"""
"""Fields of every module."""

_LEAD_SOURCES = (
    "Advertisement;Cold Call;Employee Referral;External Referral;Online Store;Partner;Public Relations;"
    "Sales Email Alias;Seminar Partner;Internal Seminar;Trade Show;Web Download;Web Research;Chat"
)
_INDUSTRIES = (
    "ASP (Application Service Provider);Data/Telecom OEM;ERP (Enterprise Resource Planning);Government/Military;"
    "Large Enterprise;ManagementISV;MSP (Management Service Provider);Network Equipment Enterprise;"
    "Non-management ISV;Optical Networking;Service Provider;Small/Medium Enterprise;Storage Equipment;"
    "Storage Service Provider;Systems Integrator;Wireless Industry"
)
_CURRENCIES = "EUR;USD;GBP;CHF"
_VISITS = """
Average_Time_Spent_Minutes double -
Days_Visited integer -
First_Visited_Time datetime -
First_Visited_URL website 450 -
Last_Visited_Time datetime -
Number_Of_Chats integer -
Referrer text 255 -
Visitor_Score bigint -
"""

MODULES: dict[str, ModuleText] = {
    "Leads": ModuleText(
        "Lead",
        "Full_Name",
        "Email",
        f"""
Salutation picklist Mr.;Mrs.;Ms.;Dr.;Prof.
First_Name text 40
Last_Name text 80 *
Full_Name text 122 -
Company text 200
Designation "Title" text 100
Email email 100
Secondary_Email email 100
Phone phone 30
Mobile phone 30
Fax text 30
Website website 450
Lead_Source picklist {_LEAD_SOURCES}
Lead_Status picklist Attempted to Contact;Contact in Future;Contacted;Junk Lead;Lost Lead;Not Contacted;\
Pre-Qualified
Industry picklist {_INDUSTRIES}
No_of_Employees "No. of Employees" integer 9
Annual_Revenue currency 16
Rating picklist Acquired;Active;Market Failed;Project Cancelled;Shut Down
Email_Opt_Out boolean
Skype_ID text 50
Twitter text 50
Street text 250
City text 100
State text 100
Zip_Code text 30
Country text 100
Description textarea 32000
Unsubscribed_Mode picklist - Consent form;Manual;Unsubscribe link;Zoho campaigns
Unsubscribed_Time datetime -
Last_Activity_Time datetime -
Change_Log_Time__s datetime -
{_VISITS}""",
    ),
    "Accounts": ModuleText(
        "Account",
        "Account_Name",
        "Account_Name",
        f"""
Account_Name text 200 *
Account_Number bigint 18
Account_Type picklist Analyst;Competitor;Customer;Distributor;Integrator;Investor;Other;Partner;Press;Prospect;\
Reseller;Supplier;Vendor
Account_Site text 80
Parent_Account lookup Accounts
Phone phone 30
Fax text 30
Website website 450
Ticker_Symbol text 30
Ownership picklist Other;Private;Public;Subsidiary;Partnership;Government;Privately Held;Public Company
Industry picklist {_INDUSTRIES}
Employees integer 9
Annual_Revenue currency 16
SIC_Code "SIC Code" integer 9
Rating picklist Acquired;Active;Market Failed;Project Cancelled;Shut Down
Billing_Street text 250
Billing_City text 100
Billing_State text 100
Billing_Code text 30
Billing_Country text 100
Shipping_Street text 250
Shipping_City text 100
Shipping_State text 100
Shipping_Code text 30
Shipping_Country text 100
Description textarea 32000
Currency picklist {_CURRENCIES}
Exchange_Rate double
Territories territories -
Record_Image profileimage -
Last_Activity_Time datetime -
Change_Log_Time__s datetime -
Enrich_Status__s picklist - Available;Enriched;Data not found
Last_Enriched_Time__s datetime -
""",
    ),
    "Contacts": ModuleText(
        "Contact",
        "Full_Name",
        "Email",
        f"""
Salutation picklist Mr.;Mrs.;Ms.;Dr.;Prof.
First_Name text 40
Last_Name text 80 *
Full_Name text 122 -
Account_Name lookup Accounts
Vendor_Name lookup Vendors
Reporting_To lookup Contacts
Title text 100
Department text 50
Email email 100
Secondary_Email email 100
Phone phone 50
Mobile phone 30
Home_Phone phone 30
Other_Phone phone 30
Asst_Phone phone 30
Fax text 30
Assistant text 50
Date_of_Birth "Date of Birth" date
Lead_Source picklist {_LEAD_SOURCES}
Email_Opt_Out boolean
Skype_ID text 50
Twitter text 50
Mailing_Street text 250
Mailing_City text 100
Mailing_State text 100
Mailing_Zip text 30
Mailing_Country text 100
Other_Street text 250
Other_City text 100
Other_State text 100
Other_Zip text 30
Other_Country text 100
Description textarea 32000
Currency picklist {_CURRENCIES}
Exchange_Rate double
Territories territories -
Record_Image profileimage -
Data_Processing_Basis_Details text - 255
Data_Source picklist - API;Import;Manual;Web forms
Unsubscribed_Mode picklist - Consent form;Manual;Unsubscribe link;Zoho campaigns
Unsubscribed_Time datetime -
Last_Activity_Time datetime -
Change_Log_Time__s datetime -
Enrich_Status__s picklist - Available;Enriched;Data not found
Last_Enriched_Time__s datetime -
{_VISITS}""",
    ),
    "Vendors": ModuleText(
        "Vendor",
        "Vendor_Name",
        "Vendor_Name",
        """
Vendor_Name text 120 *
Phone phone 30
Email email 100
Website website 450
GL_Account "GL Account" picklist Sales-Software;Sales-Hardware;Rental Income;Interest Income;Sales Software Support;\
Sales Other;Internet Sales;Service-Hardware Labor;Sales Books
Category text 50
Street text 250
City text 100
State text 100
Zip_Code text 30
Country text 100
Description textarea 32000
Email_Opt_Out boolean
Unsubscribed_Mode picklist - Consent form;Manual;Unsubscribe link;Zoho campaigns
Unsubscribed_Time datetime -
Record_Image profileimage -
""",
    ),
    "Deals": ModuleText(
        "Deal",
        "Deal_Name",
        "Deal_Name",
        f"""
Deal_Name text 120 *
Account_Name lookup Accounts
Contact_Name lookup Contacts
Amount currency 16
Closing_Date date
Stage picklist * Qualification;Needs Analysis;Value Proposition;Identify Decision Makers;Proposal/Price Quote;\
Negotiation/Review;Closed Won;Closed Lost;Closed Lost to Competition
Type picklist Existing Business;New Business
Probability "Probability (%)" integer 3
Expected_Revenue currency 16 -
Next_Step text 100
Lead_Source picklist {_LEAD_SOURCES}
Reason_For_Loss__s picklist Expectation Mismatch;Price;Unqualified Customer;Lack of response;Competition;Other
Description textarea 32000
Currency picklist {_CURRENCIES}
Exchange_Rate double
Territory territories -
Lead_Conversion_Time integer -
Sales_Cycle_Duration integer -
Overall_Sales_Duration integer -
Last_Activity_Time datetime -
Change_Log_Time__s datetime -
""",
    ),
    "Products": ModuleText(
        "Product",
        "Product_Name",
        "Product_Name",
        """
Product_Name text 200 *
Product_Code text 100
Product_Active boolean
Product_Category picklist Hardware;Software;CRM Applications
Manufacturer picklist AltvetPet Inc.;LexPon Inc.;MetBeat Corp.
Vendor_Name lookup Vendors
Unit_Price currency 16
Commission_Rate currency 16
Tax multiselectpicklist Sales Tax;Vat
Taxable boolean
Usage_Unit picklist Box;Carton;Dozen;Each;Hours;Impressions;Lb;M;Pack;Pages;Pieces;Quantity;Reams;Sheet;Spiral Binder;\
Square Feet
Qty_Ordered double
Qty_in_Stock double
Qty_in_Demand double
Reorder_Level double
Handler ownerlookup
Sales_Start_Date date
Sales_End_Date date
Support_Start_Date date
Support_Expiry_Date date
Description textarea 32000
Record_Image profileimage -
Change_Log_Time__s datetime -
""",
    ),
}

CUSTOM_MODULE_TEXT = """
Name text 120 *
Email email 100
Secondary_Email email 100
Email_Opt_Out boolean
Record_Image profileimage -
Last_Activity_Time datetime -
"""
"""Fields a new custom module has beside `SYSTEM_FIELDS`."""

_LISTS = frozenset({"picklist", "multiselectpicklist"})


def field_lines(text: str) -> list[FieldLine]:
    """Reads the text of a module."""
    return [_line(line) for line in text.splitlines() if line.strip()]


def _line(line: str) -> FieldLine:
    api_name, rest = line.split(" ", 1)
    label = api_name.removesuffix("__s").replace("_", " ")
    if rest[0] == '"':
        label, rest = rest[1:].split('" ', 1)
    data_type, _, rest = rest.partition(" ")
    length: int | None = None
    target: str | None = None
    mandatory = read_only = False
    options: tuple[str, ...] = ()
    while rest:
        word, _, behind = rest.partition(" ")
        if word == "*":
            mandatory = True
        elif word == "-":
            read_only = True
        elif data_type in _LISTS:
            options = tuple(rest.split(";"))
            break
        elif data_type == "lookup":
            target = word
        else:
            length = int(word)
        rest = behind
    return FieldLine(api_name, label, data_type, length, target, options, mandatory, read_only)
