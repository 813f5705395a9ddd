"""Background work: jobs enqueued in the caller's transaction, the worker and its schedules."""
