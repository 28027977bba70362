// A chat relay on ws, as its documentation shows broadcasts.
import { WebSocket, WebSocketServer } from "ws";

const rooms = new Map();
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 });

server.on("connection", (socket, request) => {
  const room = rooms.get(request.url) ?? new Set();
  rooms.set(request.url, room.add(socket));
  socket.send('{"type":"hello"}');
  socket.on("message", (data) => {
    for (const member of room) {
      if (member.readyState === WebSocket.OPEN) member.send(data, { binary: false });
    }
  });
  socket.on("close", () => room.delete(socket));
  socket.on("error", () => socket.terminate());
});
