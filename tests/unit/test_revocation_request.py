"""The form of a queued revocation: any text is parsed as a valid request or refused."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from functions.notifications.queue_worker import is_queue_event
from functions.notifications.revocation_request import RevocationRequest
from shared.errors import MessageRefused

_ids = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255)
_times = st.integers(-(10**15) + 1, 10**15 - 1)


@st.composite
def requests(draw: st.DrawFn) -> RevocationRequest:
    """Draw a request that names a subject, a session at Logto, or both."""
    subject, op_session = draw(st.none() | _ids), draw(st.none() | _ids)
    return RevocationRequest(
        kind=draw(st.sampled_from(("webhook", "backchannel_logout"))),
        subject=subject if subject or op_session else draw(_ids),
        op_session=op_session,
        until=draw(_times),
        arrived_at=draw(_times),
        token_id=draw(st.none() | _ids),
    )


@given(requests())
def test_request_survives_the_queue(request: RevocationRequest) -> None:
    assert RevocationRequest.from_text(request.text) == request
    assert len(request.text.encode()) < 256 * 1024  # SQS's limit


@given(requests(), st.integers(0), st.integers(0, 40), st.text(max_size=5))
def test_altered_text_is_a_valid_request_or_refused(
    request: RevocationRequest, start: int, length: int, inserted: str
) -> None:
    text = request.text
    start %= len(text)
    with suppress(MessageRefused):
        RevocationRequest.from_text(text[:start] + inserted + text[start + length :])


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=8,
)


@given(_json)
def test_only_a_record_of_sqs_makes_an_event_the_queues(event: object) -> None:
    assert is_queue_event(event) is False
    assert is_queue_event({"Records": event}) is False
    assert is_queue_event({"Records": [{"eventSource": "aws:sqs", "body": event}]})
