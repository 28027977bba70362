-- A message moves its conversation's head by itself. So a batch that is nothing but talk is one statement,
-- which is its own transaction: a statement of its own, BEGIN and COMMIT would each ask for the interpreter
-- while the event loop has it.
CREATE TRIGGER messages_advance AFTER INSERT ON messages BEGIN
    UPDATE conversations SET head = NEW.seq, last_message_seq = NEW.seq, active_at = NEW.created_at
    WHERE id = NEW.conversation_id;
END;
