"""The kernel, which every package may use: ids, money, time, paging and deep-partial updates; no I/O."""
