"""The kernel, for all packages: ids, money, time, paging, deep-partial updates; no I/O."""
