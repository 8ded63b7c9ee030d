"""Log lines for people."""

from __future__ import annotations

import io

from infra.local.log_lines import LogLines


def written(line: str) -> str:
    """Give what is written of one line."""
    stream = io.StringIO()
    LogLines(stream).write("api", line)
    return stream.getvalue()


def test_a_plain_line_gets_its_programs_name() -> None:
    assert written("hello") == "api         | hello\n"


def test_an_event_is_laid_out_with_its_fields() -> None:
    line = written('{"level": "INFO", "event": "session_connected", "session": "s-1", "host": 2}')

    assert line == "api         | session_connected  session=s-1 host=2\n"


def test_a_warning_says_so() -> None:
    assert written('{"level": "warning", "message": "slow"}') == "api         | warning: slow\n"


def test_json_that_is_no_event_stays_as_it_is() -> None:
    assert written('{"a": 1}') == 'api         | {"a": 1}\n'
    assert written("{broken") == "api         | {broken\n"
