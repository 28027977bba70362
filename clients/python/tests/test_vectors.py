"""The fold is proven with the same files as the server's and those of the other clients."""

import json
from pathlib import Path
from typing import Any

import pytest

from gator_chat_client import Snapshot, fold
from gator_chat_client.fold_replies import to_ask_for
from gator_chat_client.frames import read

VECTORS = Path(__file__).resolve().parents[3] / "tests" / "vectors"


def seen(snapshot: Snapshot) -> dict[str, Any]:
    """Word a snapshot as the vectors do."""
    gap = snapshot.discontinuity
    after = 0 if gap is None else gap.at_seq
    return {
        "seq": snapshot.seq,
        "head": snapshot.head,
        "epoch": snapshot.epoch,
        "kind": snapshot.kind,
        "title": snapshot.title,
        "deleted": snapshot.reason == "deleted",
        "member_count": snapshot.member_count,
        "members": snapshot.members and dict(snapshot.members),
        "role": snapshot.role,
        "messages": [
            {"seq": each.seq, "id": each.id, "content": each.content}
            for each in snapshot.messages
            if each.seq > after
        ],
        "discontinuity": gap and {"reason": gap.reason, "at_seq": gap.at_seq},
        "read_seq": snapshot.read_seq,
        "unread": snapshot.unread,
        "runs": {
            each.run_id: {"state": each.state, "epoch": each.epoch, "text": each.text}
            | ({} if each.position is None else {"position": each.position})
            for each in snapshot.replies
        },
        "over": list(snapshot.ended_runs),
        "ends": [
            {"run_id": each.run_id, "how": each.how} | ({} if each.code is None else {"code": each.code})
            for each in snapshot.reply_ends
        ],
    }


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.json")), ids=lambda path: path.stem)
def test_the_fold_makes_of_a_vector_what_everybody_makes_of_it(path: Path) -> None:
    vector = json.loads(path.read_text(encoding="utf-8"))
    snapshot = Snapshot(id=vector["conversation_id"], me=vector["user_id"])
    asks = []
    for number, frame in enumerate(vector["events"], start=1):
        before, snapshot = snapshot, fold(snapshot, read(json.dumps(frame)))
        asks += [
            {"after_event": number, "run_id": each.run_id, "epoch": each.epoch, "offset": len(each.text)}
            for each in to_ask_for(before, snapshot)
        ]
    got = seen(snapshot) | {"asks": asks}
    expected = vector["expected"]
    assert {name: got[name] for name in expected} == expected


def test_there_are_vectors() -> None:
    assert len(list(VECTORS.glob("*.json"))) > 30
