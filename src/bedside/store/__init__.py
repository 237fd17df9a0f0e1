"""Where state lives: SQL (SQLite, PostgreSQL) and blobs (a folder)."""
