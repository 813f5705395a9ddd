"""The metrics at /metrics, declared in one place so that their names stay consistent."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter("openstoq_requests", "Answered HTTP requests.", ["face", "action", "status"])
REQUEST_SECONDS = Histogram("openstoq_request_seconds", "Time to answer a request.", ["face"])
JOBS = Counter("openstoq_jobs", "Finished runs of jobs.", ["job", "outcome"])
JOB_SECONDS = Histogram("openstoq_job_seconds", "Time a run of a job took.", ["job"])
WEBHOOKS = Counter("openstoq_webhooks", "Webhook deliveries received.", ["topic", "outcome"])
MESSAGES = Counter("openstoq_messages", "Messages handed over.", ["channel", "outcome"])
ITEM_FAULTS = Counter(
    "openstoq_item_faults", "Items that failed without stopping the others.", ["kind"]
)
REFUSED_CONNECTIONS = Counter(
    "openstoq_refused_connections", "Connections ended by the server's limits.", ["reason"]
)
