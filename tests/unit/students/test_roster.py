import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.students.errors import UnreadableRoster
from core.students.roster import MAX_ROW_CHARACTERS, RosterRow, read_rows

HINDI = "registration,name\nT-1,आशा\n"
cells = st.text(st.sampled_from('ab ,"\n\rआ😀'), max_size=8)
files = st.lists(st.lists(cells, min_size=2, max_size=3), max_size=6)


async def pieces(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(*chunks: bytes | str) -> list[RosterRow]:
    whole = [chunk.encode() if isinstance(chunk, str) else chunk for chunk in chunks]
    return [row async for row in read_rows(pieces(whole))]


def quoted(table: list[list[str]], line_end: str) -> bytes:
    """Return a table as CSV with every cell in quotes."""
    rewritten = (",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table)
    return "".join(line + line_end for line in rewritten).encode()


async def test_each_row_knows_its_line() -> None:
    assert await read("a,b\n1,2\n3,4\n") == [
        RosterRow(1, ["a", "b"]),
        RosterRow(2, ["1", "2"]),
        RosterRow(3, ["3", "4"]),
    ]


async def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    assert await read(b"\xef", b"\xbb\xbfa,b\n1,2\n") == [RosterRow(1, ["a", "b"]), RosterRow(2, ["1", "2"])]


async def test_windows_line_ends_leave_no_trace() -> None:
    assert await read("a,b\r\n1,2\r", "\n3,4") == [
        RosterRow(1, ["a", "b"]),
        RosterRow(2, ["1", "2"]),
        RosterRow(3, ["3", "4"]),
    ]


async def test_a_newline_in_quotes_belongs_to_the_cell_and_counts_as_a_line() -> None:
    assert await read('a,b\n"one\ntwo",2\n3,4\n') == [
        RosterRow(1, ["a", "b"]),
        RosterRow(2, ["one\ntwo", "2"]),
        RosterRow(4, ["3", "4"]),
    ]


async def test_a_doubled_quote_is_a_quote() -> None:
    assert await read('"say ""hi""",b\n') == [RosterRow(1, ['say "hi"', "b"])]


async def test_empty_lines_are_skipped_but_counted() -> None:
    assert await read("\n\na\n  \r\n\nb\n") == [RosterRow(3, ["a"]), RosterRow(6, ["b"])]


async def test_a_file_without_a_last_line_end_is_whole() -> None:
    assert await read("a\nb") == [RosterRow(1, ["a"]), RosterRow(2, ["b"])]


async def test_nothing_has_no_rows() -> None:
    assert await read() == await read(b"") == await read(b"\xef\xbb\xbf") == []


async def test_an_unterminated_quote_is_a_problem_of_the_line_it_begins_in() -> None:
    first, second = await read('a,b\n1,"never ends\n3,4\n')

    assert first == RosterRow(1, ["a", "b"])
    assert (second.line, list(second.cells)) == (2, [])
    assert "not CSV" in second.problem


async def test_text_after_a_closing_quote_is_a_problem_of_that_row_alone() -> None:
    _, bad, good = await read('a,b\n"1"x,2\n3,4\n')

    assert "not CSV" in bad.problem
    assert good == RosterRow(3, ["3", "4"])


async def test_quotes_inside_unquoted_cells_swallow_no_rows() -> None:
    assert await read('a,b\n1,5" disk\n2,c\n3,6" disk\n4,d\n') == [
        RosterRow(1, ["a", "b"]),
        RosterRow(2, ["1", '5" disk']),
        RosterRow(3, ["2", "c"]),
        RosterRow(4, ["3", '6" disk']),
        RosterRow(5, ["4", "d"]),
    ]


@pytest.mark.parametrize("content", [b"a\n\xff\xfe\n", "आशा\n".encode("utf-16"), b"a\ncut \xe0\xa4"])
async def test_what_is_not_utf8_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableRoster, match=r"the roster is (UTF-16|not UTF-8 text .* in line 2)"):
        await read(content)


async def test_rows_before_bytes_that_are_no_text_are_read() -> None:
    seen = []
    with pytest.raises(UnreadableRoster, match="byte 5, 0xff in line 3"):
        async for row in read_rows(pieces([b"a\nb\n", b"\xff\n"])):
            seen.append(row.cells)  # noqa: PERF401 - a comprehension would lose the rows before the error

    assert seen == [["a"], ["b"]]


@pytest.mark.parametrize("size", [1 << 10, 1 << 14, 1 << 20])
async def test_a_row_without_end_is_refused_however_it_comes_in(size: int) -> None:
    content = b'a,b\n1,"' + b"never ends\n" * (MAX_ROW_CHARACTERS // 10)
    with pytest.raises(UnreadableRoster, match="begins in line 2 does not end"):
        await read(*(content[at : at + size] for at in range(0, len(content), size)))


async def test_a_long_row_is_refused_even_when_it_ends_within_the_chunk() -> None:
    with pytest.raises(UnreadableRoster, match="line 2"):
        await read(b"a\n" + b"x" * (MAX_ROW_CHARACTERS + 1) + b"\nb\n")


@given(content=st.text(st.sampled_from('ab,"\n\rआ😀'), max_size=40), cuts=st.lists(st.integers(0, 160), max_size=8))
@example(content=HINDI, cuts=[21, 22, 23, 24])
@example(content='a,"b\nc"\nd', cuts=[3, 4, 5, 6])
def test_any_chunking_gives_the_same_rows(content: str, cuts: list[int]) -> None:
    encoded = content.encode()
    places = sorted({min(cut, len(encoded)) for cut in cuts} | {0, len(encoded)})
    chunks = [encoded[start:end] for start, end in pairwise(places)]

    assert asyncio.run(read(*chunks)) == asyncio.run(read(encoded))


@given(table=files, line_end=st.sampled_from(["\n", "\r\n"]))
def test_what_was_quoted_comes_back_as_it_was(table: list[list[str]], line_end: str) -> None:
    assert [row.cells for row in asyncio.run(read(quoted(table, line_end)))] == table


@given(content=st.text(st.sampled_from('ab,"\n'), max_size=30))
@example(content='a,5"\nb\nc,6"\nd\n')
@example(content='a"b,"c\nd"\n')
def test_no_row_is_swallowed_or_made_up(content: str) -> None:
    found = asyncio.run(read(content))
    try:
        expected = [row for row in csv.reader(io.StringIO(content), strict=True) if row]
    except csv.Error:
        assert any(row.problem for row in found)
    else:
        assert [row.cells for row in found] == expected
