"""`gator chat`: conversations in the terminal, on top of the client library.

`app.py` is the whole screen (Textual), `plain.py` a line a message for pipes and scripts. Both are
imported only when they run: neither the server nor any other command needs what they need.
"""
