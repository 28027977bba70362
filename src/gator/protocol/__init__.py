"""The language: commands, events, errors, and who may say what when.

Nothing here awaits, reads a clock or touches a socket. Every frame's meaning is
decided by values in and values out, so a second transport costs one file.
"""
