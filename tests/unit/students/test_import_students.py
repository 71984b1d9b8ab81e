import unicodedata
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Literal

import pytest

from adapters.contacts.parser import InternationalContactParser
from adapters.memory.engine.database import MemoryDatabase
from core.kernel.unit_of_work import Transaction
from core.students.errors import UnknownStudent, UnreadableRoster
from core.students.find_student import FindStudent
from core.students.import_students import MAX_ROWS_PER_BATCH, ImportStudents
from core.students.roster import read_rows
from core.students.roster_report import MAX_REPORTED_BAD_ROWS, BadRow, RosterReport
from core.students.student import Enrolment, Student
from tests.examples import StoppedClock, an_enrolment, ids
from tests.units_of_work import memory_work

HEAD = "registration,name,category,email,phone\n"
ASHA = "T-1,Asha Kulkarni,general,asha@example.org,+919812345601\n"
RAVI = "T-2,Ravi Deshpande,sc,ravi@example.org,\n"


class RosterHarness:
    """Imports rosters, and reads the stored students."""

    def __init__(self) -> None:
        self.store = MemoryDatabase()

    def new_work(self, *, within: Transaction | None = None) -> Any:
        return memory_work(self.store, StoppedClock(), ids, within=within)

    async def send(self, text: str, *, clear: bool = False) -> RosterReport:
        import_students = ImportStudents(self.new_work, ids, InternationalContactParser("IN"))
        return await import_students(read_rows(self._bytes(text)), clear=clear)

    async def find(self, registration: str) -> Student:
        return await FindStudent(self.new_work)(registration)

    async def enrolled(self, registration: str) -> Enrolment:
        return (await self.find(registration)).enrolment

    async def _bytes(self, text: str) -> AsyncIterator[bytes]:
        yield text.encode()


@pytest.fixture
def harness() -> RosterHarness:
    return RosterHarness()


async def test_good_rows_are_kept_and_bad_ones_reported_with_their_lines(harness: RosterHarness) -> None:
    report = await harness.send(HEAD + ASHA + "T-3,,general,,\n" + RAVI + "T-4,No Category,SC!,,\n")

    assert (report.read, report.added, report.rejected) == (4, 2, 2)
    assert [bad.line for bad in report.bad_rows] == [3, 5]
    assert report.bad_rows[0].reason == "name is empty"
    assert report.bad_rows[1].reason.startswith("category 'SC!' is not of the form")
    assert (await harness.enrolled("T-2")).name == "Ravi Deshpande"
    with pytest.raises(UnknownStudent, match="T-4"):
        await harness.find("T-4")


async def test_every_cell_arrives_where_its_column_says(harness: RosterHarness) -> None:
    columns = "language,phone,email,certificates,centre,country,category,name,registration\n"
    await harness.send(columns + "hi,+919812345601,a@example.org,pwbd third-gender,DXB-1,AE,sc, Asha ,T.1-a\n")

    assert await harness.enrolled("T.1-a") == Enrolment(
        registration="T.1-a",
        name="Asha",
        category="sc",
        country="AE",
        centre="DXB-1",
        certificates=frozenset({"pwbd", "third-gender"}),
        email="a@example.org",
        phone="+919812345601",
        language="hi",
    )


async def test_the_guard_against_formulas_is_taken_off(harness: RosterHarness) -> None:
    await harness.send("registration,name,category,phone\nT-1,Asha,sc,'+919812345601\n")

    assert (await harness.enrolled("T-1")).phone == "+919812345601"


async def test_missing_cells_mean_the_default(harness: RosterHarness) -> None:
    report = await harness.send("registration,name,category,country,language\nT-1,Asha,general\nT-2,Ravi,sc,,hi\n")

    asha, ravi = await harness.enrolled("T-1"), await harness.enrolled("T-2")
    assert report.added == 2
    assert (asha.country, asha.language, asha.email) == ("IN", "en", "")
    assert (ravi.country, ravi.language) == ("IN", "hi")


async def test_a_row_with_too_many_cells_is_reported(harness: RosterHarness) -> None:
    report = await harness.send(HEAD + "T-1,Kulkarni, Asha,general,,\n")

    assert [bad.line for bad in report.bad_rows] == [2]
    assert "6 cells, but cell 6" not in report.bad_rows[0].reason  # which is empty, as after a trailing comma
    report = await harness.send(HEAD + "T-1,Kulkarni, Asha,general,,x\n")
    assert report.bad_rows[0].reason.startswith(
        "6 cells, but cell 6 ('x') is under no column name; the columns are reg"
    )


async def test_a_duplicate_names_the_line_that_came_first_and_changes_nothing(harness: RosterHarness) -> None:
    report = await harness.send(HEAD + RAVI + ASHA + "T-1,Meera,sc,,\n")

    assert report.bad_rows == [BadRow(4, "registration T-1 is already in line 3")]
    assert (await harness.enrolled("T-1")).name == "Asha Kulkarni"


async def test_a_row_that_was_refused_is_no_first_one(harness: RosterHarness) -> None:
    report = await harness.send(HEAD + "T-1,,general,,\n" + ASHA)

    assert [bad.line for bad in report.bad_rows] == [2]
    assert (await harness.enrolled("T-1")).name == "Asha Kulkarni"


async def test_a_duplicate_is_found_across_batches(harness: RosterHarness) -> None:
    many = "".join(f"B-{number},Meera,general,,\n" for number in range(MAX_ROWS_PER_BATCH))
    report = await harness.send(HEAD + ASHA + many + ASHA)

    assert (report.added, report.rejected) == (MAX_ROWS_PER_BATCH + 1, 1)
    assert report.bad_rows[0].reason == "registration T-1 is already in line 2"


async def test_the_same_roster_again_changes_nothing(harness: RosterHarness) -> None:
    await harness.send(HEAD + ASHA + RAVI)
    before = await harness.find("T-1")
    report = await harness.send(HEAD + ASHA + RAVI)

    assert (report.read, report.added, report.changed, report.unchanged) == (2, 0, 0, 2)
    assert await harness.find("T-1") == before


async def test_a_changed_row_counts_as_changed_and_keeps_its_id(harness: RosterHarness) -> None:
    await harness.send(HEAD + ASHA + RAVI)
    before = await harness.find("T-1")
    report = await harness.send(HEAD + ASHA.replace("general", "sc") + RAVI)

    after = await harness.find("T-1")
    assert (report.changed, report.unchanged, report.added) == (1, 1, 0)
    assert (after.id, after.enrolment.category) == (before.id, "sc")


async def test_a_student_missing_from_a_later_roster_is_kept(harness: RosterHarness) -> None:
    await harness.send(HEAD + ASHA)
    await harness.send(HEAD + RAVI)

    assert (await harness.enrolled("T-1")).name == "Asha Kulkarni"


@pytest.mark.parametrize(
    ("roster", "complaint"),
    [
        ("", "the roster is empty"),
        ("\n\n", "the roster is empty"),
        ("registration,name,category,shoe-size\n", "unknown column shoe-size; known are registration"),
        ("registration,category\n", "no column name"),
        ("email\n", "no column registration, name, category"),
        ("registration|name|category\n", "one column; columns are separated by a comma, a semicolon or a TAB"),
        ("registration,name,category,Name\n", "has a column twice: name"),
        ('registration,"name,category\n', "line 1, which names the columns, is not CSV"),
        (
            "registration;name,category\n",
            "no column registration, name; the first line was read as 'reg",
        ),
        ("Name of student,registration,category\n", "was read as 'Name of student', 'registration', 'category'"),
        ("\ufffdregistration,name,category\n", "was read as '\ufffdregistration'"),
    ],
)
async def test_a_file_with_other_columns_is_refused_whole(harness: RosterHarness, roster: str, complaint: str) -> None:
    with pytest.raises(UnreadableRoster, match=complaint):
        await harness.send(roster + ("T-1,Asha,general\n" if roster.strip() else ""))
    with pytest.raises(UnknownStudent):
        await harness.find("T-1")


async def test_an_empty_roster_is_accepted(harness: RosterHarness) -> None:
    assert await harness.send(HEAD) == RosterReport()


async def test_broken_csv_is_reported_by_line_and_the_rest_is_kept(harness: RosterHarness) -> None:
    report = await harness.send(HEAD + 'T-9,"Asha"x,general,,\n' + RAVI)

    assert (report.added, [bad.line for bad in report.bad_rows]) == (1, [2])
    assert "not CSV" in report.bad_rows[0].reason


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ('T-1,"Asha\r\nBcc: all@example.org",general,,\n', "name"),
        ("T-1,Asha\x00,general,,\n", "name"),
        (f"T-1,{'x' * 121},general,,\n", "name"),
        ("T+1,Asha,general,,\n", "registration"),
        (f"{'1' * 33},Asha,general,,\n", "registration"),
        ("T-1,Asha,OBC,,\n", "category"),
    ],
)
async def test_a_cell_of_another_form_is_refused_by_name(harness: RosterHarness, row: str, field: str) -> None:
    report = await harness.send(HEAD + row)

    assert (report.added, report.rejected) == (0, 1)
    assert report.bad_rows[0].reason.startswith(f"{field} '")


FULL = "registration,name,category,country,certificates,email,phone,language\n"
EXEMPT = "T-1,Asha,general,AE,pwbd,asha@example.org,+919812345601,hi\n"
OTHER = "T-2,Ravi,general,AE,pwbd,ravi@example.org,+919812345602,hi\n"


async def test_another_case_of_a_registration_is_the_same_student_in_the_first_spelling(harness: RosterHarness) -> None:
    await harness.send(HEAD + "SU-1/a,Asha,general,,\n")
    report = await harness.send(HEAD + "su-1/A,Asha K,general,,\nSU-1/A,Asha,general,,\n")

    assert (report.added, report.changed) == (0, 1)
    assert report.bad_rows == [BadRow(3, "registration SU-1/A is already in line 2")]
    assert (await harness.enrolled("Su-1/A")).registration == "SU-1/a"
    assert (await harness.enrolled("SU-1/a")).name == "Asha K"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
async def test_the_unicode_form_of_a_name_changes_nobody(harness: RosterHarness, form: Literal["NFC", "NFD"]) -> None:
    await harness.send(HEAD + "T-1,José क़ासिम,general,,\n")
    report = await harness.send(HEAD + f"T-1,{unicodedata.normalize(form, 'José क़ासिम')},general,,\n")

    assert (report.changed, report.unchanged) == (0, 1)


async def test_a_roster_with_fewer_columns_erases_nothing(harness: RosterHarness) -> None:
    await harness.send(FULL + EXEMPT)
    before = await harness.enrolled("T-1")
    report = await harness.send("registration,name,category\nT-1,Asha K,general\n")

    assert await harness.enrolled("T-1") == replace(before, name="Asha K")
    assert (report.changed, report.cleared, report.withheld) == (1, 0, {})


async def test_a_row_with_fewer_cells_says_nothing_about_the_others(harness: RosterHarness) -> None:
    await harness.send(FULL + EXEMPT)
    report = await harness.send(FULL + "T-1,Asha,general\n" + OTHER)

    assert (report.added, report.unchanged, report.cleared) == (1, 1, 0)


async def test_an_empty_cell_clears_and_is_counted_apart(harness: RosterHarness) -> None:
    await harness.send(FULL + EXEMPT + OTHER)
    report = await harness.send(FULL + "T-1,Asha,general,,,,,\n" + OTHER)

    assert (report.changed, report.unchanged, report.cleared, report.withheld) == (1, 1, 5, {})
    assert await harness.enrolled("T-1") == Enrolment(registration="T-1", name="Asha", category="general")


@pytest.mark.parametrize("clear", [False, True])
async def test_a_column_without_any_value_clears_on_request_only(harness: RosterHarness, *, clear: bool) -> None:
    await harness.send(FULL + EXEMPT + OTHER)
    before = await harness.enrolled("T-1")
    without = FULL + (EXEMPT + OTHER).replace("pwbd", "")
    report = await harness.send(without, clear=clear)

    expected = (2, 0, 2, {}) if clear else (0, 2, 0, {"certificates": 2})
    assert (report.changed, report.unchanged, report.cleared, report.withheld) == expected
    assert await harness.enrolled("T-1") == (replace(before, certificates=frozenset()) if clear else before)


async def test_a_value_far_below_shows_that_the_column_is_not_empty(harness: RosterHarness) -> None:
    await harness.send(FULL + EXEMPT)
    many = "".join(f"B-{number},Meera,general,AE,,,,\n" for number in range(MAX_ROWS_PER_BATCH))
    report = await harness.send(FULL + EXEMPT.replace("pwbd", "").replace("Asha", "Asha K") + many + OTHER)

    assert (report.added, report.changed, report.cleared) == (MAX_ROWS_PER_BATCH + 1, 1, 1)
    assert (await harness.enrolled("T-1")).certificates == frozenset()


EXCEL = {
    "trailing commas": FULL.replace("\n", ",,\n") + EXEMPT.replace("\n", ",,\n") + ",,,,,,,,,\n",
    "an empty first row": ",,,,,,,\n" + FULL + EXEMPT,
    "spaces after commas": (FULL + EXEMPT.replace("Asha", '"Asha"')).replace(",", ", "),
    "semicolons": (FULL + EXEMPT).replace(",", ";"),
    "tabs": (FULL + EXEMPT).replace(",", "\t"),
    "sep": "sep=;\r\n" + (FULL + EXEMPT).replace(",", ";").replace("\n", "\r\n"),
    "an unusual sep": "sep=|\n" + (FULL + EXEMPT).replace(",", "|"),
    "CR": (FULL + EXEMPT).replace("\n", "\r"),
    "byte order mark": "\ufeff" + FULL + EXEMPT,
    "letter case": FULL.title() + EXEMPT,
    "quotes": '"' + FULL.strip().replace(",", '","') + '"\n"' + EXEMPT.strip().replace(",", '","') + '"\n',
    "an unnamed column": FULL.replace("name,", "name,,") + EXEMPT.replace("Asha,", "Asha,,"),
}


@pytest.mark.parametrize("text", EXCEL.values(), ids=EXCEL.keys())
async def test_what_spreadsheets_write_is_taken(harness: RosterHarness, text: str) -> None:
    report = await harness.send(text)

    assert (report.read, report.added, report.bad_rows) == (1, 1, [])
    assert await harness.enrolled("T-1") == Enrolment(
        registration="T-1",
        name="Asha",
        category="general",
        country="AE",
        certificates=frozenset({"pwbd"}),
        email="asha@example.org",
        phone="+919812345601",
        language="hi",
    )


async def test_only_the_first_thousand_bad_rows_are_named_but_all_are_counted(harness: RosterHarness) -> None:
    report = await harness.send(HEAD + "T-1,,general,,\n" * (MAX_REPORTED_BAD_ROWS + 5))

    assert (report.rejected, len(report.bad_rows)) == (MAX_REPORTED_BAD_ROWS + 5, MAX_REPORTED_BAD_ROWS)


TAKEN = [
    ("email", "asha@शुल्क.भारत", "asha@xn--11b1dl8b7c.xn--h2brj9c"),
    ("email", "o'brien+fees@x.co.in", "o'brien+fees@x.co.in"),
    ("phone", "98765 43210", "+919876543210"),
    ("phone", "098765 43210", "+919876543210"),
    ("phone", "+91 98765-43210", "+919876543210"),
    ("phone", "+9109876543210", "+919876543210"),
    ("phone", "0091 (98765) 43210", "+919876543210"),
    ("phone", "+९१९८७६५४३२१०", "+919876543210"),
]


@pytest.mark.parametrize(("column", "written", "kept"), TAKEN)
async def test_a_contact_is_kept_in_the_form_that_vendors_take(
    harness: RosterHarness, column: str, written: str, kept: str
) -> None:
    report = await harness.send(f"registration,name,category,{column}\nT-1,Asha,general,{written}\n")

    assert (report.added, report.warned) == (1, 0)
    assert getattr(await harness.enrolled("T-1"), column) == kept


WARNED = [
    ("phone", "#REF!", "error of the spreadsheet"),
    ("email", "a\u200b@example.org", "U+200B"),
    ("email", "a@exam\u200bple.org", "U+200B"),
    ("email", "a..b@example.org", "dot"),
    ("email", "mailto:a@example.org", "':'"),
    ("email", "a@b..c", "domain"),
    ("email", "a@b@example.org", "'@'"),
    ("email", "Asha <a@example.org>", "' '"),
    ("email", '"a@example.org\nBcc: all@example.org"', "in front of the @"),
    ("email", '"a@example.org,b@example.org"', "in front of the @"),
    ("email", "é@example.org", "'é'"),
    ("email", "a@localhost", "without a dot"),
    ("email", "a@1.2.3.4", "ends in '4'"),
    ("email", "a@xn--a.org", "internationalized"),
    ("email", f"{'a' * 65}@example.org", "64"),
    ("email", f"a@{'b' * 64}.org", "too long"),
    ("email", f"{'a' * 250}@example.org", "254"),
    ("phone", "12345", "of IN"),
    ("phone", "+0912345601", "of any country"),
    ("phone", "+9198123456012345", "of any country"),
    ("phone", "98765 43210 / 98765 43211", "of IN"),
    ("phone", "98765 43210 ext 5", "'e'"),
    ("phone", "9.87654E+09", "Excel) that took it for a number"),
    ("phone", "+919876543210\u200b", "U+200B"),
    ("phone", "020 2555 0123", "landline"),
    ("phone", "1800 111 111", "service number"),
]


@pytest.mark.parametrize(("column", "written", "reason"), WARNED)
async def test_a_contact_that_cannot_be_sent_to_is_a_warning_and_no_lost_candidate(
    harness: RosterHarness, column: str, written: str, reason: str
) -> None:
    report = await harness.send(f"registration,name,category,{column}\nT-1,Asha,general,{written}\n")

    assert (report.added, report.rejected, report.warned) == (1, 0, 1)
    (warning,) = report.warnings
    assert (warning.line, warning.column, warning.value) == (2, column, written.strip('"')[:80])
    assert reason in warning.reason
    assert getattr(await harness.enrolled("T-1"), column) == ""


async def test_a_contact_that_cannot_be_sent_to_leaves_the_stored_one(harness: RosterHarness) -> None:
    await harness.send(HEAD + ASHA)
    before = await harness.enrolled("T-1")
    report = await harness.send("registration,name,category,email\nT-1,Asha,general,a..b@example.org\n")

    assert (report.warned, report.cleared) == (1, 0)
    assert (await harness.enrolled("T-1")).email == before.email != ""


async def test_a_number_belongs_to_the_country_of_its_row(harness: RosterHarness) -> None:
    head = "registration,name,category,country,phone\n"
    report = await harness.send(head + "T-1,Asha,general,AE,050 123 4567\nT-2,Ravi,sc,AE,98765 43210\n")

    assert (await harness.enrolled("T-1")).phone == "+971501234567"
    assert [(each.line, each.reason.split(";")[0]) for each in report.warnings] == [(3, "is no telephone number of AE")]


async def test_only_the_first_thousand_warnings_are_listed_but_all_are_counted(harness: RosterHarness) -> None:
    rows = "".join(f"B-{number},Asha,general,nowhere,\n" for number in range(MAX_REPORTED_BAD_ROWS + 5))
    report = await harness.send(HEAD + rows)

    assert (report.warned, len(report.warnings)) == (MAX_REPORTED_BAD_ROWS + 5, MAX_REPORTED_BAD_ROWS)


async def test_a_student_of_an_earlier_roster_with_a_looser_address_is_still_read(harness: RosterHarness) -> None:
    await harness.send(HEAD + ASHA)
    loose = replace(await harness.find("T-1"), enrolment=an_enrolment(1, registration="T-1", email="a..b@example.org"))
    async with harness.new_work() as work:
        work.students.replace(loose)
        await work.commit()

    assert (await harness.send(HEAD + ASHA)).changed == 1
