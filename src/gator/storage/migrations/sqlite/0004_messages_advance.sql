-- A message moves its conversation's head by itself, so that a batch that is nothing but talk is one statement,
-- which SQLite commits by itself. After an UPDATE, a BEGIN and a COMMIT besides, the journal's thread would each
-- time have to wait until the event loop lets go of the interpreter.
CREATE TRIGGER messages_advance AFTER INSERT ON messages BEGIN
    UPDATE conversations SET head = NEW.seq, last_message_seq = NEW.seq, active_at = NEW.created_at
    WHERE id = NEW.conversation_id;
END;
