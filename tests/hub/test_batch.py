from gator.hub.batch import Batch
from gator.protocol.frames import deflated_text_frame, text_frame

PAYLOADS = [b"one", b"x" * 300]


def test_payloads_are_framed_in_order_and_once() -> None:
    batch = Batch(PAYLOADS)
    assert batch.framed == b"".join(map(text_frame, PAYLOADS))
    assert batch.framed is batch.framed


def test_payloads_are_compressed_in_order_and_once() -> None:
    batch = Batch(PAYLOADS)
    assert batch.deflated == b"".join(map(deflated_text_frame, PAYLOADS))
    assert batch.deflated is batch.deflated
