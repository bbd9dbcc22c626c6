from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_calls import BusyError, LostAnswerError, NotSentError, TokenReplacedError, keep_trying

FAULTS: dict[str, Exception] = {
    "busy": BusyError("429"),
    "not sent": NotSentError("refused"),
    "lost": LostAnswerError("500", "HTTP 500"),
    "token": TokenReplacedError(fresh=True),
    "others' token": TokenReplacedError(fresh=False),
}


class Calls:
    """Answers that come one after the other; effects that may have happened are counted."""

    def __init__(self, answers: t.Sequence[str]) -> None:
        self.answers = list(answers)
        self.sent = 0
        self.effects = 0

    def __call__(self) -> str:
        self.sent += 1
        answer = self.answers.pop(0) if self.answers else "done"
        self.effects += answer in {"lost", "done"}
        if answer in FAULTS:
            raise FAULTS[answer]
        return answer


@given(st.lists(st.sampled_from([*FAULTS]), max_size=12), st.booleans())
def test_what_may_have_had_an_effect_is_never_sent_again_unless_that_is_safe(answers: list[str], safe: bool) -> None:
    calls, waits, turned_away = Calls(answers), [], []
    try:
        result = keep_trying(
            calls, "POST /x", safe=safe, busy=lambda _, times: turned_away.append(times), sleep=waits.append
        )
        assert result == "done"
    except (NotSentError, LostAnswerError, TokenReplacedError):
        pass
    assert safe or calls.effects <= 1
    assert turned_away == list(range(1, len(turned_away) + 1))
    assert calls.sent - len(turned_away) <= 8, "five tries, and three with new tokens"
    assert len(waits) <= 4
    assert all(0 <= seconds <= 8 for seconds in waits)


@pytest.mark.parametrize(
    ("answers", "error", "sent"),
    [
        (["not sent"] * 9, NotSentError, 5),
        (["lost"] * 9, LostAnswerError, 5),
        (["token"] * 9, TokenReplacedError, 2),
        (["others' token", "token", "token"], TokenReplacedError, 3),
        (["others' token"] * 9, TokenReplacedError, 4),
        (["lost"], None, 2),
        (["token", "not sent", "busy", "lost"], None, 5),
    ],
)
def test_tries_end(answers: list[str], error: type[Exception] | None, sent: int) -> None:
    calls = Calls(answers)

    def send() -> str:
        return keep_trying(calls, "GET /x", safe=True, busy=lambda *_: None, sleep=lambda _: None)

    if error is None:
        assert send() == "done"
    else:
        with pytest.raises(error):
            send()
    assert calls.sent == sent


def test_whoever_is_told_of_busy_may_end_it() -> None:
    def give_up(error: BusyError, times: int) -> None:
        if times == 3:
            raise error

    calls = Calls(["busy"] * 9)
    with pytest.raises(BusyError):
        keep_trying(calls, "GET /x", safe=True, busy=give_up)
    assert calls.sent == 3
