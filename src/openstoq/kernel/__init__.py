"""The kernel for all packages: ids, money, time, paging, deep-partial updates. It does no I/O."""
