"""Double opt-in: a shopper confirms a signup before any alert is sent."""

from uuid import UUID

from openstoq.back_in_stock.notifications.single_mails import send_optin_request
from openstoq.jobs.work import Work


def ask_to_confirm(work: Work, signup_id: UUID) -> None:
    """Enqueue the mail with the link by which the shopper confirms the signup."""
    work.enqueue(send_optin_request, signup_id=signup_id)
