"""A chat relay on uWebSockets' topics. Runs in bench/.venv, by itself."""

import sys

from socketify import App, CompressOptions, OpCode


def upgrade(response, request, context):
    response.upgrade(
        request.get_header("sec-websocket-key"),
        request.get_header("sec-websocket-protocol"),
        request.get_header("sec-websocket-extensions"),
        context,
        request.get_url(),
    )


def opened(socket):
    socket.subscribe(socket.get_user_data())
    socket.send('{"type":"hello"}', OpCode.TEXT)


def said(socket, message, opcode):
    app.publish(socket.get_user_data(), message, opcode)


app = App()
app.ws(
    "/*",
    {
        "compression": CompressOptions.DISABLED,
        "max_payload_length": 1024 * 1024,
        "max_backpressure": 16 * 1024 * 1024,
        "idle_timeout": 120,
        "upgrade": upgrade,
        "open": opened,
        "message": said,
    },
)
app.listen({"port": int(sys.argv[1]), "host": "127.0.0.1"}, lambda _config: None)
app.run()
