"""The page that people chat on: built files, sent to browsers as they are."""
