"""AI personas: who they are, what they are asked, and the replies that come of it."""
