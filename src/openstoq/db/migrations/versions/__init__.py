"""The revisions: one SQL file each, run in order by openstoq.db.migrate."""
