from __future__ import annotations

import pytest
from service_emulators.jde.csv_folder import CsvFolderError, load_folder
from service_emulators.jde.store import Store
from service_emulators.jde.testing import start_jde


@pytest.fixture
def store():
    store = Store()
    yield store
    store.close()


def test_database_names_mean_stored_values(store, tmp_path):
    text = 'A6AN8,A6AYPD,A6UPMJ,A6UPMT,A6MCUP\n4343,125050,125181,93005,"         M30"\n4344,-5.0,,,\n'
    (tmp_path / "F0401.csv").write_text(text, encoding="utf-8-sig")
    assert load_folder(store, tmp_path) == {"F0401": 2}
    first, second = store.read("F0401")
    assert (first["AYPD"], first["UPMJ"], first["UPMT"], first["MCUP"]) == (1250.5, "2025-06-30", 93005, "         M30")
    assert (second["AYPD"], second["UPMJ"], second["MCUP"]) == (-0.05, None, "")


def test_aliases_mean_values_as_people_see_them(store, tmp_path):
    (tmp_path / "f0401.CSV").write_text("AN8;AYPD;UPMJ;UPMT;MCUP\n4343;1250.50;2025-06-30;09:30:05;M30\n4344;;;;\n")
    assert load_folder(store, tmp_path) == {"F0401": 2}
    row, blank = store.read("F0401")
    assert (row["AYPD"], row["UPMJ"], row["UPMT"], row["MCUP"]) == (1250.5, "2025-06-30", 93005, "         M30")
    assert (blank["AYPD"], blank["UPMJ"]) == (0, None)


def test_an_emulator_serves_a_folder(tmp_path):
    (tmp_path / "F0101.csv").write_text("ABAN8,ABALPH\n1,Peña & Söhne\n", encoding="utf-8")
    with start_jde(data=tmp_path) as jde:
        assert jde.control.rows("F0101")[0]["ALPH"] == "Peña & Söhne"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("F9999.csv", "AN8\n1\n", "F9999.csv: there is no table F9999"),
        ("F0101.csv", "AN8,NOPE\n1,2\n", "F0101.csv: F0101 has no column 'NOPE'"),
        ("F0101.csv", "ALPH\nx\n", r"the header lacks \['AN8'\]"),
        ("F0101.csv", "", r"the header lacks \['AN8'\]"),
        ("F0101.csv", "AN8,ABAN8\n1,1\n", "names .*AN8.* twice"),
        ("F0101.csv", "AN8,ALPH\n1,a\n2,b,c\n", "line 3: 3 values under 2 columns"),
        ("F0101.csv", "AN8\n1\nx\n", "line 3: AN8: 'x' is no number"),
        ("F0101.csv", "ABAN8,ABUPMJ\n1,2025-06-30\n", "line 2: ABUPMJ: .*whole number"),
        ("F0101.csv", "AN8,UPMJ\n1,30.06.2025\n", "line 2: UPMJ: .*YYYY-MM-DD"),
        ("F0101.csv", "AN8\n1\n1\n", "a key occurs twice"),
    ],
)
def test_mistakes_name_file_and_line_and_load_nothing(store, tmp_path, name, text, message):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(CsvFolderError, match=message):
        load_folder(store, tmp_path)
    assert store.count("F0101") == 0


def test_other_encodings_are_named(store, tmp_path):
    (tmp_path / "F0101.csv").write_bytes("AN8,ALPH\n1,Peña\n".encode("latin-1"))
    with pytest.raises(CsvFolderError, match=r"F0101\.csv is not written in UTF-8"):
        load_folder(store, tmp_path)


def test_an_empty_folder_is_a_mistake(store, tmp_path):
    with pytest.raises(CsvFolderError, match="no CSV files"):
        load_folder(store, tmp_path)
