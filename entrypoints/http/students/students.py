"""The roster over HTTP."""

from typing import Any

from litestar import Controller, Request, get, post
from litestar.params import FromPath

from core.students.find_student import FindStudent
from core.students.import_students import ImportStudents, RosterReport
from core.students.roster import rows
from core.students.student import Student
from entrypoints.http import docs
from entrypoints.http.dependencies import Wired
from entrypoints.http.media_types import csv_only
from entrypoints.http.problems import problems


class StudentsController(Controller):
    """Import and find students."""

    path = "/v1"
    tags = ("Students",)

    @post(
        "/students:import",
        status_code=200,
        before_request=csv_only,
        operation_class=docs.CsvBodyOperation,
        request_max_body_size=None,  # it is read as a stream, a batch of rows at a time
        responses=problems(400, 415, 503),
    )
    async def import_roster(
        self, request: Request[Any, Any, Any], import_students: Wired[ImportStudents]
    ) -> RosterReport:
        """Take over a roster: CSV whose first line names the columns; good rows are kept, bad ones reported."""
        return await import_students(rows(request.stream()))

    @get("/students/{registration:str}", responses=problems(400, 404, 503))
    async def find(self, registration: FromPath[str], find_student: Wired[FindStudent]) -> Student:
        """Find a student by registration."""
        return await find_student(registration)
