"""The kernel that all packages use: ids, money, time, paging and deep-partial updates, no I/O."""
