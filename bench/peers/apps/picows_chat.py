"""A chat relay on picows. Runs in bench/.venv, by itself."""

import asyncio
import sys
from collections import defaultdict

import uvloop
from picows import WSListener, WSMsgType, ws_create_server

rooms = defaultdict(set)


class Member(WSListener):
    def __init__(self, room):
        super().__init__()
        self.room = room

    def on_ws_connected(self, transport):
        self.transport = transport
        self.room.add(transport)
        transport.send(WSMsgType.TEXT, b'{"type":"hello"}')

    def on_ws_frame(self, transport, frame):
        if frame.msg_type == WSMsgType.TEXT:
            message = frame.get_payload_as_bytes()
            for member in self.room:
                member.send(WSMsgType.TEXT, message)
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport):
        self.room.discard(transport)


async def serve(port):
    server = await ws_create_server(lambda request: Member(rooms[request.path]), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


uvloop.install()
asyncio.run(serve(int(sys.argv[1])))
