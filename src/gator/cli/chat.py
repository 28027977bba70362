"""`gator chat`: being written."""


def run(user: str, conversation: str, *, url: str, token: str | None) -> int:
    raise SystemExit(f"{user} {conversation} {url} {token}")
