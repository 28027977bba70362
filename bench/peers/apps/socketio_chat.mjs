// A chat relay on socket.io's rooms.
import { Server } from "socket.io";

const io = new Server({ transports: ["websocket"], serveClient: false });

io.on("connection", (socket) => {
  socket.on("join", (room) => {
    socket.data.room = room;
    socket.join(room);
    socket.emit("joined");
  });
  socket.on("message", (content) => io.to(socket.data.room).emit("message", content));
});
io.listen(Number(process.argv[2]));
