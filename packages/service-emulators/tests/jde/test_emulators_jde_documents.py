"""Made-up orders, vouchers, invoices and ledger lines fit each other; odd rows are what they say."""

from __future__ import annotations

from datetime import datetime

import pytest
from service_emulators.jde.dictionary import tables
from service_emulators.jde.seed.odd import MASS, TEXTS
from service_emulators.jde.testing import create_jde, start_jde

NOW = datetime(2026, 11, 20, 9, 30, 5)
COUNT = 120


@pytest.fixture(scope="module")
def documents():
    emulator = create_jde(documents=COUNT, now=NOW)
    yield emulator.store
    emulator.store.close()


@pytest.fixture(scope="module")
def odd():
    with start_jde(odd=True, now=NOW) as jde:
        yield jde


def rows_of(store, statement):
    with store.engine.connect() as connection:
        return connection.exec_driver_sql(statement).all()


def test_every_table_has_rows(documents):
    assert all(documents.count(name) for name in tables())
    assert {name: documents.count(name) for name in ("F4301", "F4201")} == {"F4301": COUNT, "F4201": COUNT}
    assert len(rows_of(documents, "SELECT DISTINCT RPDOC FROM F0411")) == COUNT
    assert len(rows_of(documents, "SELECT DISTINCT RPDOC FROM F03B11")) == COUNT
    assert 8 * COUNT < documents.count("F0911") < 16 * COUNT


BREACHES = {
    "a purchase order's total is the sum of its lines, in both currencies": """
        SELECT PHDOCO FROM F4301
        LEFT JOIN F4311 ON PDDOCO = PHDOCO AND PDDCTO = PHDCTO AND PDKCOO = PHKCOO AND PDSFXO = PHSFXO
        GROUP BY PHDOCO
        HAVING PHOTOT <> SUM(PDAEXP) OR PHFAP <> SUM(PDFEA) OR COUNT(PDDOCO) = 0
    """,
    "a purchase line is open for what was not received": """
        SELECT 1 FROM F4311
        WHERE PDUOPN <> PDUORG - PDUREC OR PDAOPN <> PDAEXP - PDAREC
    """,
    "a sales order's total and cost are the sums of its lines": """
        SELECT SHDOCO FROM F4201
        LEFT JOIN F4211 ON SDDOCO = SHDOCO AND SDDCTO = SHDCTO AND SDKCOO = SHKCOO
        GROUP BY SHDOCO
        HAVING SHOTOT <> SUM(SDAEXP) OR SHTOTC <> SUM(SDECST) OR COUNT(SDDOCO) = 0
    """,
    "a sales line is open for what was not shipped": """
        SELECT 1 FROM F4211
        WHERE SDUOPN <> SDUORG - SDSOQS OR (SDUOPN > 0) <> (SDAOPN > 0)
    """,
    "lines exist for headers only": """
        SELECT 1 FROM F4311
        WHERE PDDOCO NOT IN (SELECT PHDOCO FROM F4301)
        UNION ALL SELECT 1 FROM F4211
        WHERE SDDOCO NOT IN (SELECT SHDOCO FROM F4201)
    """,
    "what is paid is not open, what is open is at most the gross amount, and gross is net plus tax": """
        SELECT 1 FROM F0411
        WHERE (RPPST = 'P') <> (RPAAP = 0) OR RPAAP > RPAG OR RPAG <> RPATXA + RPSTAM
        UNION ALL SELECT 1 FROM F03B11
        WHERE (RPPST = 'P') <> (RPAAP = 0) OR ABS(RPAAP) > ABS(RPAG) OR RPAG <> RPATXA + RPSTAM OR (RPJCL >
        0) <> (RPPST = 'P')
    """,
    "a document balances in each ledger": """
        SELECT 1 FROM F0911
        GROUP BY GLDOC, GLDCT, GLKCO, GLLT
        HAVING SUM(GLAA) <> 0 OR COUNT(*) < 2
    """,
    "payables and receivables agree with the ledger": """
        SELECT RPDOC FROM (SELECT RPDOC, SUM(RPAG) AS gross FROM F0411
        GROUP BY RPDOC)
        LEFT JOIN F0911 ON GLDOC = RPDOC AND GLDCT = 'PV' AND GLLT = 'AA' AND GLOBJ = '4110'
        WHERE GLAA IS NULL OR GLAA <> -gross
        UNION ALL SELECT RPDOC FROM (SELECT RPDOC, RPDCT, SUM(RPAG) AS gross FROM F03B11
        GROUP BY RPDOC)
        LEFT JOIN F0911 ON GLDOC = RPDOC AND GLDCT = RPDCT AND GLLT = 'AA' AND GLOBJ = '1210'
        WHERE GLAA IS NULL OR GLAA <> gross
    """,
    "an invoice for an order is taxable for its revenue, and the lines name the invoice": """
        SELECT RPDOC FROM (SELECT RPDOC, RPDOCO, SUM(RPATXA) AS net FROM F03B11
        WHERE RPDOCO > 0
        GROUP BY RPDOC)
        LEFT JOIN F4201 ON SHDOCO = RPDOCO
        WHERE SHOTOT IS NULL OR SHOTOT <> net
        UNION ALL SELECT SDDOC FROM F4211
        WHERE SDDOC > 0 AND SDDOC NOT IN (SELECT RPDOC FROM F03B11)
    """,
    "a voucher names the purchase order of its supplier": """
        SELECT RPDOC FROM F0411
        LEFT JOIN F4301 ON PHDOCO = CAST(RPPO AS INTEGER)
        WHERE RPPO <> '' AND (PHAN8 IS NULL OR PHAN8 <> RPAN8)
    """,
    "every item branch has one primary location that holds its open orders": """
        SELECT 1 FROM F4102
        LEFT JOIN F41021 ON LIITM = IBITM AND LIMCU = IBMCU
        GROUP BY IBITM, IBMCU
        HAVING SUM(LIPBIN = 'P') IS NOT 1 OR SUM(LIPREQ) <> 100 * (SELECT COALESCE(SUM(PDUOPN), 0) FROM
        F4311
        WHERE PDITM = IBITM AND PDMCU = IBMCU) OR SUM(LIHCOM) <> 100 * (SELECT COALESCE(SUM(SDUOPN), 0) FROM
        F4211
        WHERE SDITM = IBITM AND SDMCU = IBMCU)
    """,
    "lines trade what their branch stocks": """
        SELECT 1 FROM F4311
        LEFT JOIN F4102 ON IBITM = PDITM AND IBMCU = PDMCU
        WHERE PDITM > 0 AND IBITM IS NULL
        UNION ALL SELECT 1 FROM F4211
        LEFT JOIN F4102 ON IBITM = SDITM AND IBMCU = SDMCU
        WHERE IBITM IS NULL
    """,
}


@pytest.mark.parametrize("what", BREACHES)
def test_documents_fit_each_other(documents, what):
    assert not rows_of(documents, BREACHES[what])


REFERENCES = {
    "F0101.AN8": [
        "F4301.AN8", "F4301.SHAN", "F4301.ANBY", "F4311.AN8", "F4201.AN8", "F4201.SHAN", "F4201.PA8", "F4211.AN8",
        "F0411.AN8", "F0411.PYE", "F03B11.AN8", "F03B11.PYR", "F0911.AN8", "F4101.BUYR", "F4102.VEND", "F0006.AN8",
        "F0010.AN8",
    ],
    "F4101.ITM": ["F4102.ITM", "F41021.ITM", "F4311.ITM", "F4211.ITM"],
    "F0006.MCU": [
        "F4301.MCU", "F4311.MCU", "F4311.OMCU", "F4201.MCU", "F4211.EMCU", "F0411.MCU", "F03B11.MCU", "F0911.MCU",
        "F0901.MCU", "F4102.MCU", "F41021.MCU", "F0101.MCU",
    ],
    "F0901.AID": ["F0911.AID", "F4311.AID"],
    "F0014.PTC": ["F4301.PTC", "F4201.PTC", "F0411.PTC", "F03B11.PTC"],
    "F0010.CO": ["F0901.CO", "F0911.CO", "F4311.CO", "F4211.CO", "F0411.KCO", "F03B11.KCO", "F4201.KCOO"],
}  # fmt: skip


@pytest.mark.parametrize("found_in", REFERENCES)
def test_what_a_row_names_exists(documents, found_in):
    table, alias = found_in.split(".")
    known = {row[alias] for row in documents.read(table)}
    for reference in REFERENCES[found_in]:
        source, column = reference.split(".")
        used = {row[column] for row in documents.read(source)} - {0, "", None}
        assert used, reference
        assert used <= known, reference


CODES = {
    "00/DT": ["F4301.DCTO", "F4201.DCTO", "F0411.DCT", "F03B11.DCT", "F0911.DCT"],
    "00/UM": ["F4101.UOM1", "F4311.UOM", "F4211.UOM"],
    "00/PS": ["F0411.PST", "F03B11.PST"],
    "00/CM": ["F0101.CM", "F03012.TSTA"],
    "01/ST": ["F0101.AT1"],
    "01/01": ["F0101.AC01"],
    "09/LT": ["F0911.LT"],
    "40/AT": ["F4311.NXTR", "F4311.LTTR", "F4211.NXTR", "F4211.LTTR"],
    "41/9": ["F4101.GLPT"],
    "41/I": ["F4101.STKT", "F4102.STKT"],
    "41/P1": ["F4101.PRP1"],
    "41/S1": ["F4101.SRP1"],
    "42/HC": ["F4301.HOLD", "F4201.HOLD"],
    "98/IT": ["F0911.ICUT", "F0411.ICUT"],
}


@pytest.mark.parametrize("code", CODES)
def test_codes_in_use_are_defined(documents, code):
    product, kind = code.split("/")
    known = {row["KY"].strip() for row in documents.read("F0005", {"SY": product, "RT": kind})}
    assert documents.read("F0004", {"SY": product, "RT": kind})
    for reference in CODES[code]:
        source, column = reference.split(".")
        assert {row[column] for row in documents.read(source)} - {""} <= known, reference


def test_there_is_variety(documents):
    assert len({row["CRCD"] for row in documents.read("F4201")}) > 1
    assert {row["LTTR"] for row in documents.read("F4311")} >= {"220", "280", "400", "980"}
    assert {row["DCT"] for row in documents.read("F03B11")} == {"RI", "RM"}
    assert {row["LT"] for row in documents.read("F0911")} == {"AA", "CA"}
    assert any(row["LOTN"] for row in documents.read("F41021"))
    assert any(row["AID"] and not row["ITM"] for row in documents.read("F4311"))
    assert max(row["UPMJ"] or "" for name in ("F4311", "F4211", "F0911") for row in documents.read(name)) < "2026-11-20"


def test_same_seed_same_documents_beside_unchanged_customers():
    def content(**options):
        emulator = create_jde(customers=25, contacts=30, now=NOW, **options)
        rows = {name: emulator.store.read(name) for name in tables()}
        emulator.store.close()
        return rows

    first = content(documents=10)
    assert first == content(documents=10)
    assert first["F4311"] != content(documents=10, seed=2)["F4311"]
    alone = content()
    for name in ("F03012", "F0401", "F0006"):
        assert alone[name] == first[name]


def test_documents_need_someone_to_trade_with():
    with pytest.raises(ValueError, match="at least five customers"):
        create_jde(customers=2, documents=1)


def test_odd_rows_are_in_every_table(odd):
    for name, table in tables().items():
        rows = odd.store.read(name)
        free = [alias for alias in table.columns if alias not in table.key]
        assert any(all(row[alias] is None for alias in free) for row in rows), name
        assert any(all(row[alias] in {"", 0, None} for alias in free) for row in rows), name
        stamps = [(row["UPMJ"], row[table.time]) for row in rows]
        assert stamps.count(("2026-11-19", 120_000)) == MASS
        assert {(None, None), (None, 93_005), ("2026-11-19", None), ("2026-11-19", 250_000)} <= set(stamps)
        assert all(day is None or day < "2026-11-20" for day, _ in stamps)
        for column in table.columns.values():
            if column.kind == "number" and column.alias in free:
                most = (10**column.length - 1) / 10**column.decimals
                assert {most, -most} <= {row[column.alias] for row in rows}, (name, column.alias)


def test_odd_values_are_answered_as_they_lie_there(odd, caller):
    reader = type(caller)(odd)
    reader.log_in()
    rows = reader.browse("F0101", ("AN8", "ALPH", "UPMT", "MCU", "NOE", "URAT"), size="No Max").rows
    texts = {row["ALPH"] for row in rows}
    assert set(TEXTS) <= texts
    assert {None, " " * 40, "W" * 40} <= texts
    assert {None, 0, 250_000, 999_999} <= {row["UPMT"] for row in rows}
    assert {"M30", "M30".ljust(12), "1".rjust(12)} <= {row["MCU"] for row in rows}
    assert {10**15 - 1, 1 - 10**15} <= {row["NOE"] for row in rows}
    assert {9999999999999.99, -9999999999999.99} <= {row["URAT"] for row in rows}


def test_odd_keys_come_in_order(odd, caller):
    reader = type(caller)(odd)
    reader.log_in()
    for name, table in tables().items():
        page = reader.browse(name, table.key, order=table.key, size="2000")
        keys = [tuple(row.values()) for row in page.rows]
        assert len(set(keys)) == len(keys) == odd.store.count(name)
    assert reader.browse("F0014", ("PTC",), order=("PTC",)).rows[0] == {"PTC": "   "}
