"""Every document of every composed stream equals a join of the tables, whatever the server's habits."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import pytest
from jsonschema import Draft202012Validator
from service_emulators.testing import start_jde
from tap_jdedwards.composed.loading import shipped_definitions

ORDERS = ("DOCO", "DCTO", "KCOO")
STREAMS = list(shipped_definitions())
HABITS = {
    "as they come": ({}, {}),
    "trailing blanks, null dates": ({"trailing_blanks": True, "null_dates": True}, {}),
    "day first, a low fetch cap": ({"date_format": "dd/MM/yy", "fetch_cap": 130}, {"page_size": 500}),
    "tiny pages, many requests at once": ({}, {"page_size": 37, "max_concurrency": 5}),
}


@pytest.fixture(scope="module")
def business():
    with start_jde(customers=60, contacts=60, documents=120, seed=5) as emulator:
        yield emulator


@pytest.fixture(scope="module", params=HABITS)
def read_all(request, business, runner_of):
    """What the tap makes of everything under one habit of the server, the tables and the server's day; read once."""
    switches, settings = HABITS[request.param]
    before = business.control.switches()
    business.control.switch(**switches)
    today = date.fromisoformat(business.control.set_clock()[:10])
    output = runner_of(business)(streams=STREAMS, **settings)
    business.control.switch(**before)
    assert output.failures == {}
    return output.records, Truth(business), today


class Truth:
    """The tables as people read them, indexed."""

    def __init__(self, jde):
        self._store = jde.store

    def rows(self, table):
        return self._store.read(table)

    def one(self, table, column):
        return {row[column]: row for row in self.rows(table)}

    def many(self, table, *columns):
        found = defaultdict(list)
        for row in self.rows(table):
            found[tuple(row[column] for column in columns)].append(row)
        return found


def plain(value):
    """Numbers as they compare: the store has exact ones, JSON has not."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value if value is None or isinstance(value, (str, bool)) else round(float(value), 6)


def total(rows, *columns):
    return sum(row[column] or 0 for row in rows for column in columns)


def days(today, iso):
    return None if iso is None else (today - date.fromisoformat(iso)).days


def same(documents, expected, key):
    """Compare all documents by the properties that the truth tells."""
    expected = {tuple(one[name] for name in key): one for one in expected}
    assert expected
    assert {tuple(one[name] for name in key) for one in documents} == set(expected)
    assert len(documents) == len(expected)
    for document in documents:
        truth = expected[tuple(document[name] for name in key)]
        assert plain({name: document[name] for name in truth}) == plain(truth)


def stamp(rows):
    """The latest stamp among rows."""
    time = "TDAY" if "TDAY" in rows[0] else "UPMT"
    return max((row["UPMJ"], row[time] or 0) for row in rows if row["UPMJ"])


def test_purchase_orders(read_all):
    records, truth, _ = read_all
    lines, names = truth.many("F4311", *ORDERS, "SFXO"), truth.one("F0101", "AN8")
    terms, units = truth.one("F0014", "PTC"), truth.one("F0006", "MCU")

    def order(row):
        own = sorted(lines[tuple(row[part] for part in (*ORDERS, "SFXO"))], key=lambda line: line["LNID"])
        still = [line for line in own if line["UOPN"] > 0]
        return {
            "order_number": row["DOCO"],
            "order_type": row["DCTO"],
            "order_company": row["KCOO"],
            "order_suffix": row["SFXO"],
            "supplier_number": row["AN8"],
            "supplier_name": names[row["AN8"]]["ALPH"] if row["AN8"] in names else None,
            "business_unit": row["MCU"],
            "business_unit_name": units[row["MCU"]]["DL01"] if row["MCU"] in units else None,
            "payment_terms_text": terms[row["PTC"]]["PTD"] if row["PTC"] in terms else None,
            "order_date": row["TRDJ"],
            "gross_amount": row["OTOT"],
            "line_count": len(own),
            "lines_amount": total(own, "AEXP"),
            "open_amount": total(own, "AOPN"),
            "open_quantity": total(own, "UOPN"),
            "open_line_count": len(still),
            "next_promised_date": min((line["PDDJ"] for line in still if line["PDDJ"]), default=None),
            "lines": [
                {
                    **document_line,
                    "line": line["LNID"],
                    "item": line["LITM"],
                    "quantity_open": line["UOPN"],
                    "amount": line["AEXP"],
                    "promised_date": line["PDDJ"],
                }
                for line, document_line in zip(own, found[tuple(row[part] for part in (*ORDERS, "SFXO"))], strict=True)
            ],
        }

    key = ("order_number", "order_type", "order_company", "order_suffix")
    found = {tuple(document[name] for name in key): document["lines"] for document in records["purchase_orders"]}
    same(records["purchase_orders"], map(order, truth.rows("F4301")), key)


def test_sales_orders(read_all):
    records, truth, _ = read_all
    lines, names = truth.many("F4211", *ORDERS), truth.one("F0101", "AN8")

    def order(row):
        own = lines[tuple(row[part] for part in ORDERS)]
        return {
            "order_number": row["DOCO"],
            "order_type": row["DCTO"],
            "order_company": row["KCOO"],
            "customer_name": names[row["AN8"]]["ALPH"] if row["AN8"] in names else None,
            "ship_to_name": names[row["SHAN"]]["ALPH"] if row["SHAN"] in names else None,
            "line_count": len(own),
            "lines_amount": total(own, "AEXP"),
            "backordered_quantity": total(own, "SOBK"),
            "hold_code": row["HOLD"],
        }

    same(records["sales_orders"], map(order, truth.rows("F4201")), ("order_number", "order_type", "order_company"))


def test_payables(read_all):
    records, truth, today = read_all
    names, phones, mails = truth.one("F0101", "AN8"), truth.many("F0115", "AN8"), truth.many("F01151", "AN8")
    holds = truth.one("F0401", "AN8")

    def voucher(row):
        own_phones = sorted(phones[(row["AN8"],)], key=lambda one: (one["IDLN"], one["CNLN"], one["RCK7"]))
        own_mails = sorted(mails[(row["AN8"],)], key=lambda one: (one["IDLN"], one["RCK7"]))
        phone = next((one for one in own_phones if one["PH1"] and one["PHTP"] != "FAX"), None)
        overdue = days(today, row["DDJ"])
        return {
            "document_number": row["DOC"],
            "document_type": row["DCT"],
            "document_company": row["KCO"],
            "pay_item": row["SFX"],
            "pay_item_extension": row["SFXE"],
            "supplier_name": names[row["AN8"]]["ALPH"] if row["AN8"] in names else None,
            "supplier_payment_hold": (holds[row["AN8"]]["HDPY"] or None) if row["AN8"] in holds else None,
            "open_amount": row["AAP"],
            "due_date": row["DDJ"],
            "age_days": days(today, row["DIVJ"]),
            "days_overdue": None if overdue is None else max(overdue, 0),
            "contact_phone": " ".join(part for part in (phone["AR1"], phone["PH1"]) if part) if phone else None,
            "contact_email": next((one["EMAL"] for one in own_mails if one["EMAL"] and one["ETP"] in ("E", "")), None),
        }

    vouchers = truth.rows("F0411")
    still_open = [row for row in vouchers if row["AAP"]]
    assert 0 < len(still_open) < len(vouchers)
    key = ("document_number", "document_type", "document_company", "pay_item", "pay_item_extension")
    same(records["payables"], map(voucher, still_open), key)


def test_gl_postings(read_all):
    records, truth, _ = read_all
    accounts, units = truth.one("F0901", "AID"), truth.one("F0006", "MCU")
    companies, names = truth.one("F0010", "CO"), truth.one("F0101", "AN8")

    def told(table, key, column):
        return table[key][column] if key in table else None

    def posting(row):
        return {
            "document_number": row["DOC"],
            "document_type": row["DCT"],
            "document_company": row["KCO"],
            "gl_date": row["DGJ"],
            "line": row["JELN"],
            "ledger_type": row["LT"],
            "line_extension": row["EXTL"],
            "amount": row["AA"],
            "account_description": told(accounts, row["AID"], "DL01"),
            "business_unit_name": told(units, row["MCU"], "DL01"),
            "company_name": told(companies, row["CO"], "NAME"),
            "address_name": told(names, row["AN8"], "ALPH"),
            "UPMJ": row["UPMJ"],
        }

    expected = [posting(row) for row in truth.rows("F0911")]
    assert sum(one["account_description"] is not None for one in expected) > len(expected) * 0.9
    key = ("document_number", "document_type", "document_company", "gl_date", "line", "ledger_type", "line_extension")
    same(records["gl_postings"], expected, key)


def test_item_availability(read_all):
    records, truth, _ = read_all
    stock, items, units = truth.many("F41021", "ITM", "MCU"), truth.one("F4101", "ITM"), truth.one("F0006", "MCU")

    def branch(row):
        own, item = stock[row["ITM"], row["MCU"]], items[row["ITM"]]
        committed = total(own, "HCOM", "PCOM", "QOWO")
        day, at = stamp([row, item, *own])
        return {
            "item_number": row["ITM"],
            "branch": row["MCU"],
            "branch_name": units[row["MCU"]]["DL01"] if row["MCU"] in units else None,
            "description": item["DSC1"],
            "on_hand": total(own, "PQOH"),
            "committed": committed,
            "available": total(own, "PQOH") - committed,
            "location_count": len(own),
            "last_receipt_date": max((one["LRCJ"] for one in own if one["LRCJ"]), default=None),
            "reorder_point": row["ROPI"],
            "UPMJ": day,
            "UPMT": f"{at // 10000:02}:{at // 100 % 100:02}:{at % 100:02}",
        }

    same(records["item_availability"], map(branch, truth.rows("F4102")), ("item_number", "branch"))


def test_customer_credit(read_all):
    records, truth, today = read_all
    names, invoices = truth.one("F0101", "AN8"), truth.many("F03B11", "AN8")

    def customer(row):
        still = [one for one in invoices[(row["AN8"],)] if one["AAP"]]
        late = [one for one in still if one["DDJ"] and one["DDJ"] < today.isoformat()]
        oldest = min((one["DDJ"] for one in still if one["AAP"] > 0 and one["DDJ"]), default=None)
        return {
            "address_number": row["AN8"],
            "name": names[row["AN8"]]["ALPH"],
            "credit_limit": row["ACL"],
            "hold_code": row["HOLD"],
            "credit_message": names[row["AN8"]]["CM"],
            "open_balance": total(still, "AAP"),
            "open_item_count": len(still),
            "past_due_balance": total(late, "AAP"),
            "past_due_item_count": len(late),
            "oldest_due_date": oldest,
            "days_past_due": None if oldest is None else max(days(today, oldest), 0),
        }

    customers = [row for row in truth.rows("F03012") if row["CO"] == "00000"]
    same(records["customer_credit"], map(customer, customers), ("address_number",))


def test_vendors(read_all):
    records, truth, _ = read_all
    names, phones, terms = truth.one("F0101", "AN8"), truth.many("F0115", "AN8", "IDLN"), truth.one("F0014", "PTC")

    def vendor(row):
        own = sorted(phones[row["AN8"], 0], key=lambda one: (one["CNLN"], one["RCK7"]))
        return {
            "address_number": row["AN8"],
            "name": names[row["AN8"]]["ALPH"],
            "subledger_inactive": names[row["AN8"]]["SBLI"] or None,
            "payment_terms": row["TRAP"],
            "payment_terms_text": terms[row["TRAP"]]["PTD"] if row["TRAP"] in terms else None,
            "vouchered_this_year": row["AYPD"],
            "phones": [
                {"type": one["PHTP"], "area": one["AR1"], "number": one["PH1"], "line": one["RCK7"]}
                for one in own
                if one["PH1"]
            ],
        }

    same(records["vendors"], map(vendor, truth.rows("F0401")), ("address_number",))


def test_business_partners_are_customers_suppliers_or_both_once_each(read_all):
    records, truth, _ = read_all
    names, terms = truth.one("F0101", "AN8"), truth.one("F0014", "PTC")
    customers = {row["AN8"]: row for row in truth.rows("F03012") if row["CO"] == "00000"}
    suppliers, invoices = truth.one("F0401", "AN8"), truth.many("F03B11", "AN8")
    assert customers.keys() & suppliers.keys()
    assert customers.keys() - suppliers.keys()
    assert suppliers.keys() - customers.keys()
    nothing = defaultdict(lambda: None)

    def text(code):
        return terms[code]["PTD"] if code in terms else None

    def partner(number):
        customer, supplier = customers.get(number, nothing), suppliers.get(number, nothing)
        return {
            "address_number": number,
            "name": names[number]["ALPH"],
            "is_customer": number in customers,
            "is_vendor": number in suppliers,
            "credit_limit": customer["ACL"],
            "payment_terms_text": text(customer["TRAR"]),
            "supplier_payment_terms_text": text(supplier["TRAP"]),
            "supplier_price_group": supplier["CPGP"],
            "vouchered_this_year": supplier["AYPD"],
            "open_balance": total(invoices[(number,)], "AAP"),
        }

    same(records["business_partners"], map(partner, sorted(customers.keys() | suppliers.keys())), ("address_number",))


@pytest.mark.parametrize("udc_descriptions", [False, True])
def test_every_document_is_valid_and_every_property_described(business, runner_of, udc_descriptions):
    output = runner_of(business)(streams=STREAMS, udc_descriptions=udc_descriptions)
    assert output.failures == {}
    assert list(output.schemas) == STREAMS
    for stream, message in output.schemas.items():
        validator = Draft202012Validator(message["schema"], format_checker=Draft202012Validator.FORMAT_CHECKER)
        assert output.records[stream]
        for record in output.records[stream]:
            validator.validate(record)
            assert record.keys() == message["schema"]["properties"].keys()
        for path, schema in properties_of(message["schema"]):
            assert schema.get("description"), (stream, path)
    assert "F0101.ALPH Alpha Name" in described(output, "purchase_orders", "supplier_name")
    assert "Sum of F41021.PQOH - F41021.HCOM" in described(output, "item_availability", "available")


def described(output, stream, name):
    return output.schemas[stream]["schema"]["properties"][name]["description"]


def properties_of(schema, path=()):
    for name, part in schema.get("properties", {}).items():
        yield (*path, name), part
        yield from properties_of(part, (*path, name))
        yield from properties_of(part.get("items", {}), (*path, name))


def test_codes_carry_their_descriptions(business, runner_of):
    run = runner_of(business)
    business.control.reset_counters()
    output = run(streams=["vendors", "purchase_orders", "payables"], udc_descriptions=True)
    texts = {
        (row["SY"].strip(), row["RT"].strip(), row["KY"].strip()): row["DL01"] for row in business.store.read("F0005")
    }
    codes = defaultdict(set)
    for order in output.records["purchase_orders"]:
        assert order["order_type_description"] == texts["00", "DT", order["order_type"]]
        for line in order["lines"]:
            codes["status"].add(line["next_status_description"])
            assert line["next_status_description"] == texts.get(("40", "AT", line["next_status"]))
    for vendor in output.records["vendors"]:
        assert vendor["search_type_description"] == texts["01", "ST", vendor["search_type"]]
        told = {alias: texts["01", alias[2:], code] for alias, code in vendor["category_codes"].items()}
        assert vendor["category_codes_description"] == told
        for phone in vendor["phones"]:
            assert phone["type_description"] == texts["01", "PH", phone["type"]]
    for voucher in output.records["payables"]:
        assert voucher["pay_status_description"] == texts.get(("00", "PS", voucher["pay_status"] or ""))
    assert len(codes["status"]) > 1
    # Once for the codes of each stream that no stream before it has used, and once more to prove the order of text.
    asked = [one for one in business.control.requests(1000) if "F0005" in str(one)]
    assert len(asked) <= 3 * 3
