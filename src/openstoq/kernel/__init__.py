"""What every package may rely on: ids, money, time, paging and deep-partial updates; no I/O."""
