"""The rules of a chat, one file a feature: plain values in and out, `now` handed in."""
