"""Alembic revisions, one SQL file for each; openstoq.db.migrate runs them in order."""
