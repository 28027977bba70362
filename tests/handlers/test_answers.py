from gator.handlers.answers import refused
from gator.protocol.errors import Refusal
from gator.protocol.events import Error


def test_a_refusal_becomes_an_error_with_all_that_helps() -> None:
    refusal = Refusal("rate_limited", retry_after_ms=250)
    assert refused(refusal, timestamp="now", reply_to="1", client_message_id="k") == Error(
        code="rate_limited",
        message="Too many in too short a time; wait `retry_after_ms`.",
        reply_to="1",
        client_message_id="k",
        retry_after_ms=250,
        timestamp="now",
    )
    assert refused(Refusal("conflict", "Why."), timestamp="now", reply_to=None) == Error(
        code="conflict", message="Why.", timestamp="now"
    )
