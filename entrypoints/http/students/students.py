"""The roster over HTTP."""

from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.params import FromPath, QueryParameter

from core.students.roster import read_rows
from core.students.roster_entry import KNOWN_COLUMNS, REQUIRED_COLUMNS
from core.students.roster_report import RosterReport
from core.students.student import Student
from core.use_cases import UseCases
from entrypoints.http.body_parts import body_parts
from entrypoints.http.dependencies import Wired
from entrypoints.http.media_types import csv_only
from entrypoints.http.middleware.encoded_slashes import from_segment
from entrypoints.http.problems import problems

ROSTER_FORM = f"""CSV in UTF-8, which may begin with a byte order mark. The first line names the columns, in any order:
{", ".join(sorted(REQUIRED_COLUMNS))}, and any of {", ".join(sorted({*KNOWN_COLUMNS} - {*REQUIRED_COLUMNS}))}."""
ROSTER = {"text/csv": {"schema": {"type": "string", "format": "binary", "description": ROSTER_FORM}}}
PART_BYTES = 1024
"""The part of a roster that is read in one turn of the event loop: 500 rows of the shortest kind."""
Clear = Annotated[
    bool, QueryParameter(description="A column that is empty in every row removes the values that it had")
]


class StudentsController(Controller):
    """Imports and finds students."""

    path = "/v1"
    tags = ("Students",)

    @post(
        "/students:import",
        operation_id="importStudents",
        status_code=200,
        before_request=csv_only,
        opt={"body": ROSTER},
        request_max_body_size=None,  # the body is a stream, read in batches of rows
        responses=problems(400, 415, 422, 503),
    )
    async def import_roster(
        self, request: Request[Any, Any, Any], use_cases: Wired[UseCases], clear: Clear = False
    ) -> RosterReport:
        """Import a roster: CSV whose first line names the columns; valid rows are stored, invalid ones reported."""
        parts = body_parts(request, PART_BYTES)
        return await use_cases.students.import_students(read_rows(parts), clear=clear)

    @get("/students/{registration:str}", operation_id="findStudent", responses=problems(400, 404, 503))
    async def find(self, registration: FromPath[str], use_cases: Wired[UseCases]) -> Student:
        """Find a student by registration."""
        return await use_cases.students.find_student(from_segment(registration))
