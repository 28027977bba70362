"""A chat server as tutorials write it. Runs in bench/.venv under uvicorn, by itself.

With DATABASE, every message is a row that is committed before anybody is told. The
database is given what makes it fast without a promise less: WAL, and a flush a commit.
"""

import os
from collections import defaultdict
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from sqlalchemy import event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DATABASE = os.environ.get("DATABASE")


class Base(DeclarativeBase):
    pass


class Message(Base):
    __tablename__ = "messages"
    id: Mapped[str] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(index=True)
    sender_id: Mapped[str]
    content: Mapped[str]
    created_at: Mapped[datetime]


engine = create_async_engine(f"sqlite+aiosqlite:///{DATABASE or ':memory:'}", connect_args={"timeout": 60})
sessions = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def prepare(connection, _record):
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


class ConnectionManager:
    def __init__(self):
        self.connections = defaultdict(list)
        self.members = defaultdict(set)

    async def connect(self, socket, user_id):
        await socket.accept()
        self.connections[user_id].append(socket)
        await socket.send_json({"type": "online_users", "users": [], "timestamp": now()})

    def disconnect(self, socket, user_id):
        self.connections[user_id].remove(socket)
        if not self.connections[user_id]:
            del self.connections[user_id]
            for members in self.members.values():
                members.discard(user_id)

    async def send_to_conversation(self, message, conversation_id):
        for user_id in list(self.members[conversation_id]):
            for socket in list(self.connections.get(user_id, ())):
                await socket.send_json(message)


manager = ConnectionManager()


@asynccontextmanager
async def lifespan(_app):
    if DATABASE:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
    yield


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws/{user_id}")
async def chat(socket: WebSocket, user_id: str):
    await manager.connect(socket, user_id)
    try:
        while True:
            await obey(socket, user_id, await socket.receive_json())
    except WebSocketDisconnect:
        manager.disconnect(socket, user_id)


async def obey(socket, user_id, command):
    conversation_id = command["conversation_id"]
    if command["type"] == "join_conversation":
        manager.members[conversation_id].add(user_id)
        joined = {"type": "conversation_joined", "conversation_id": conversation_id, "timestamp": now()}
        await socket.send_json(joined)
    elif command["type"] == "send_message":
        message = Message(
            id=str(uuid4()),
            conversation_id=conversation_id,
            sender_id=user_id,
            content=command["content"],
            created_at=datetime.now(UTC),
        )
        if DATABASE:
            async with sessions() as session:
                session.add(message)
                await session.commit()
        await manager.send_to_conversation(shown(message), conversation_id)


def shown(message):
    return {
        "type": "new_message",
        "conversation_id": message.conversation_id,
        "message": {
            "id": message.id,
            "sender_id": message.sender_id,
            "content": message.content,
            "timestamp": message.created_at.isoformat(),
            "is_ai": False,
        },
        "timestamp": now(),
    }


def now():
    return datetime.now(UTC).isoformat()
