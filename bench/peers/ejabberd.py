"""ejabberd, an XMPP server in Erlang: group chat (XEP-0045) with an archive (XEP-0313) in SQLite."""

import shutil
from pathlib import Path

from bench.harness.processes import Process
from bench.harness.server import TEXT, Crowd, Dialect
from bench.peers.installed import debian_package

SETTINGS = """
hosts: [localhost]
loglevel: error
sql_type: sqlite
sql_database: {home}/archive.db
default_db: sql
new_sql_schema: true
auth_method: anonymous
anonymous_protocol: sasl_anon
listen:
  - port: {port}
    ip: 127.0.0.1
    module: ejabberd_http
    backlog: 4096
    request_handlers: {{/ws: ejabberd_http_ws}}
websocket_ping_interval: 300 s
websocket_timeout: 600 s
modules:
  mod_mam: {{default: never, db_type: sql}}
  mod_muc:
    access: all
    access_create: all
    max_users: 20000
    max_user_conferences: 20
    # Or everybody is told of everybody who comes: a million stanzas for a room of 1,000.
    default_room_options: {{mam: true, max_users: 20000, presence_broadcast: [], anonymous: true}}
"""
OPEN = '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>'


class Ejabberd:
    """A conference room a room. Users are anonymous; nothing is encrypted."""

    name = "ejabberd"
    title = "ejabberd, with an archive (Erlang)"

    def missing(self) -> str | None:
        """See `Server.missing`."""
        there = debian_package("ejabberd") and debian_package("erlang-p1-sqlite3") and shutil.which("erl")
        return None if there else "not installed: apt-get install ejabberd erlang-p1-sqlite3"

    def version(self) -> str:
        """See `Server.version`."""
        return f"ejabberd {debian_package('ejabberd')}"

    def start(self, crowd: Crowd, home: Path, port: int) -> Process:  # noqa: ARG002 - it takes everybody
        """See `Server.start`. Without its control script, which wants a user and a place of its own."""
        settings = home / "ejabberd.yml"
        settings.write_text(SETTINGS.format(home=home, port=port))
        environment = {
            "EJABBERD_CONFIG_PATH": str(settings),
            "EJABBERD_LOG_PATH": str(home / "ejabberd.log"),
            "ERL_LIBS": "/usr/lib/x86_64-linux-gnu",
            "ERL_CRASH_DUMP_BYTES": "0",
            "HOME": str(home),
        }
        command = [
            "erl",
            "+K",
            "true",
            "+P",
            "250000",
            "+Q",
            "20000",
            "-noinput",
            "-mnesia",
            "dir",
            f'"{home}/spool"',
        ]
        return Process([*command, "-s", "ejabberd"], port=port, home=home, environment=environment)

    def dialect(self, crowd: Crowd, home: Path) -> Dialect:  # noqa: ARG002
        """See `Server.dialect`. XMPP over WebSocket is RFC 7395."""
        room = "room-%g@conference.localhost"
        auth = '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>'
        bind = (
            '<iq type="set" id="bind" xmlns="jabber:client"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>'
        )
        muc = '<x xmlns="http://jabber.org/protocol/muc"><history maxstanzas="0"/></x>'
        return Dialect(
            path="/ws",
            message=f'<message xmlns="jabber:client" type="groupchat" to="{room}"><body>{TEXT}</body></message>',
            greeting=(
                f"> {OPEN}",
                "< features",
                f"> {auth}",
                "< <success",
                f"> {OPEN}",
                "< features",
                f"> {bind}",
            ),
            joining=(
                "< <jid>",
                f'> <presence xmlns="jabber:client" to="{room}/u%d">{muc}</presence>',
                "< <subject",
            ),
            options=("--subprotocol", "xmpp"),
        )
