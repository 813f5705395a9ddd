"""PostgreSQL: the pool, transactions, tenancy, the embedded server and migrations."""
