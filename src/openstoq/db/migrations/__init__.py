"""The revisions: an SQL file for each, run in order by openstoq.db.migrate."""
