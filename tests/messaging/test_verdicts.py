"""What replies of real relays mean, at each stage: whose fault a refusal is."""

import pytest

from openstoq.messaging.email.replies import LONGEST_TEXT, Reply, ReplyReader
from openstoq.messaging.email.verdicts import Stage, delivery

MAIL, RCPT, DATA, CONTENT = Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.CONTENT

POSTFIX = {
    "turned_away": [
        (MAIL, "530 5.7.0 Must issue a STARTTLS command first"),
        (MAIL, "452 4.3.1 Insufficient system storage"),
        (MAIL, "501 5.1.7 Bad sender address syntax"),
        (RCPT, "554 5.7.1 <ada@example.com>: Relay access denied"),
        (RCPT, "454 4.7.1 <ada@example.com>: Relay access denied"),
        (RCPT, "550 5.1.0 <shop@x.example>: Sender address rejected: User unknown in table"),
        (RCPT, "553 5.7.1 <shop@x.example>: Sender address rejected: not owned by user shop"),
        (RCPT, "450 4.1.8 <shop@x.example>: Sender address rejected: Domain not found"),
        (RCPT, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen"),
        (RCPT, "504 5.5.2 <box>: Helo command rejected: need fully-qualified hostname"),
        (RCPT, "451 4.3.0 <ada@example.com>: Temporary lookup failure"),
        (RCPT, "421 4.7.0 mail.example.com Error: too many errors"),
        (DATA, "451 4.3.5 Server configuration error"),
        (CONTENT, "451 4.3.0 Error: queue file write error"),
        (CONTENT, "550 5.7.1 Message content rejected, UBE, id=1"),
    ],
    "refused": [
        (RCPT, "550 5.1.1 <ada@example.com>: Recipient address rejected: User unknown in local table"),
        (RCPT, ("550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in relay recipient"
               " table")),
        (RCPT, "550 5.1.2 <ada@example.com>: Recipient address rejected: Domain not found"),
        (RCPT, "501 5.1.3 Bad recipient address syntax"),
        (RCPT, "550 5.1.6 <ada@example.com>: Recipient address rejected: User has moved"),
        (RCPT, "556 5.1.10 <ada@example.com>: Recipient address rejected: nullMX"),
    ],
    "rejected": [
        (MAIL, "552 5.3.4 Message size exceeds fixed limit"),
        (RCPT, "552 5.2.2 <ada@example.com>: mailbox is full"),
        (CONTENT, "552 5.3.4 Error: message file too big"),
        (CONTENT, "554 5.6.0 Reject: improper use of 8-bit data"),
        (CONTENT, "550 5.1.1 <ada@example.com>: User unknown"),
    ],
    "deferred": [
        (RCPT, "450 4.2.0 <ada@example.com>: Recipient address rejected: Greylisted"),
        (RCPT, "451 4.7.1 Greylisting in action, please come back later"),
        (RCPT, "452 4.2.2 <ada@example.com>: mailbox is full"),
        (RCPT, "450 4.1.2 <ada@example.com>: Recipient address rejected: Domain not found"),
        (RCPT, "450 4.1.1 <ada@example.com>: Recipient address rejected: unverified address: host x"),
    ],
    "accepted": [(CONTENT, "250 2.0.0 Ok: queued as 4F1")],
}  # fmt: skip

EXIM = {
    "turned_away": [
        (MAIL, "550 Administrative prohibition"),
        (RCPT, "550 relay not permitted"),
        (RCPT, "550 Administrative prohibition"),
        (RCPT, "550-Verification failed for <shop@x.example> 550 Sender verify failed"),
        (RCPT, "550 Please turn on SMTP Authentication in your mail client."),
        (RCPT, "451 Temporary local problem - please try later"),
        (CONTENT, "550 This message was classified as spam and may not be delivered"),
        (CONTENT, "550 Domain x.example has exceeded the max emails per hour (500/500 (100%))"),
    ],
    "refused": [
        (RCPT, "550 Unrouteable address"),
        (RCPT, "550 No such user here"),
        (RCPT, "550 no such user on this server"),
        (RCPT, "550 Unknown user"),
    ],
    "rejected": [(CONTENT, "552 Message size exceeds maximum permitted")],
    "deferred": [(RCPT, "451 greylisted, try again"), (RCPT, "450 mailbox busy")],
}

MICROSOFT = {
    "turned_away": [
        (MAIL, "530 5.7.57 Client not authenticated to send mail."),
        (MAIL, "451 4.7.500 Server busy. Please try again later from [192.0.2.1]."),
        (RCPT, "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"),
        (RCPT, "550 5.7.64 TenantAttribution; Relay Access Denied"),
        (RCPT, "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP"),
        (CONTENT, "550 5.1.8 Access denied, bad outbound sender"),
        (CONTENT, "550 5.1.90 Your message can't be sent because you've reached your daily limit"),
        (CONTENT, "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiException"),
        (CONTENT, "550 5.7.60 SMTP; Client does not have permissions to send as this sender"),
        (CONTENT, "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded"),
    ],
    "refused": [
        (RCPT, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP lookup"),
    ],
    "rejected": [(CONTENT, "552 5.3.4 Message size exceeds fixed maximum message size")],
}

GOOGLE = {
    "turned_away": [
        (MAIL, "530-5.7.0 Authentication Required. For more information, go to https://x.example"),
        (MAIL, "550-5.7.1 Invalid credentials for relay [192.0.2.1]. The IP address you've"),
        (RCPT, "550-5.7.1 Invalid credentials for relay for one of the domains in: x.example"),
        (RCPT, "550 5.4.5 Daily user sending limit exceeded."),
        (DATA, "421 4.7.0 Try again later, closing connection."),
        (CONTENT, "550 5.7.1 Our system has detected that this message is likely unsolicited mail"),
        (CONTENT, "550 5.7.26 This mail has been blocked because the sender is unauthenticated."),
    ],
    "refused": [
        (RCPT, ("550 5.1.1 The email account that you tried to reach does not exist. Please try"
               " double-checking the recipient's email address for typos 5.1.1 or spaces.")),
        (RCPT, "550 5.2.1 The email account that you tried to reach is disabled."),
    ],
    "rejected": [
        (RCPT, "552 5.2.2 The email account that you tried to reach is over quota."),
        (RCPT, ("550 5.2.1 The user you are trying to contact is receiving mail at a rate that"
               " prevents additional messages from being delivered.")),
    ],
    "deferred": [(RCPT, "450 4.2.1 The user you are trying to contact is receiving mail too fast")],
}  # fmt: skip

AMAZON = {
    "turned_away": [
        (MAIL, "530 Must issue a STARTTLS command first"),
        (MAIL, "530 Authentication required"),
        (RCPT, "454 Throttling failure: Maximum sending rate exceeded."),
        (CONTENT, "454 Throttling failure: Daily message quota exceeded."),
        (CONTENT, ("554 Message rejected: Email address is not verified. The following identities"
                  " failed the check in region EU-WEST-1: shop@x.example")),
        (CONTENT, "554 Message rejected: Sending suspended for this account."),
        (CONTENT, "451 4.4.2 Timeout waiting for data from client."),
    ],
    "rejected": [(CONTENT, "552 5.3.4 Message is too long.")],
    "refused": [(RCPT, "501 5.1.3 Invalid address")],
}  # fmt: skip

PROVIDERS = {
    "turned_away": [
        (MAIL, "451 Authentication failed: Maximum credits exceeded"),
        (MAIL, "550 Unauthenticated senders not allowed"),
        (CONTENT, "550 The from address does not match a verified Sender Identity."),
        (CONTENT, "554 Free accounts are for test purposes only. Please upgrade"),
        (RCPT, "550 5.7.1 Relaying denied"),
        (RCPT, "421 Domain x.example is not allowed to send: disabled"),
        (CONTENT, "452 Too many recipients received this hour"),
    ],
    "refused": [(RCPT, "550 5.1.1 invalid recipient")],
    "rejected": [(CONTENT, "552 Message exceeds size limit")],
}

BARE = {
    "turned_away": [
        *((stage, text) for stage in Stage for text in (
            "421 closing", "451 later", "454 no", "452 out of storage", "500 what", "503 bad sequence",
            "530 authentication required", "535 login failed", "538 encryption required", "554 no",
            "550 5.7.1 policy", "550 5.3.0 system", "550 5.5.1 protocol", "550 5.4.4 no route",
            "552 quota exceeded", "550 blocked", "550", "571 denied", "550 4.1.1 contradiction",
        )),
        *((stage, text) for stage in (MAIL, DATA, CONTENT) for text in (
            "550 no such user", "553 mailbox name not allowed",
        )),
        (MAIL, "550 5.1.1 user unknown"),
        (MAIL, "552 mailbox full"),
        (DATA, "250 ok"),
        (CONTENT, "354 go on"),
        (RCPT, "550 rejected because of your IP reputation"),
        (RCPT, "550 spam from your server at user level"),
        (RCPT, "550 user must authenticate first"),
        (RCPT, "550 HELO name is no mailbox host"),
        (RCPT, "550 too many recipients in this hour"),
        (RCPT, "550 recipient refused: SPF of sender failed"),
        (RCPT, "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"),
        (RCPT, "554 no mailbox here"),
    ],
    "refused": [
        (RCPT, text) for text in (
            "550 no such user here", "550 User unknown", "551 User not local; please try <a@b.example>",
            "550 Requested action not taken: mailbox unavailable", "550 invalid recipient",
            "553 Requested action not taken: mailbox name not allowed", "550 No such account",
            "550 <spam.policy@relay.example>: no such user", "550 mailbox relay.example unavailable",
            "550 sorry, no mailbox here by that name (#5.1.1)",
        )
    ],
    "rejected": [
        (RCPT, "552 mailbox full"), (RCPT, "550 user is over quota"), (CONTENT, "552 mailbox full"),
        (CONTENT, "552 message too big"),
    ],
    "deferred": [(RCPT, "450 busy"), (RCPT, "452 mailbox full"), (CONTENT, "452 mailbox full")],
}  # fmt: skip

# Refusals of whoever sends, in words that also occur where a mailbox does not exist.
SENDERS_FAULT = [
    "550 5.1.1 Access denied: your IP 192.0.2.1 is blocked",
    "550 5.1.1 <ada@example.com> your account is suspended, contact billing",
    "550 5.1.1 <ada@example.com> authentication required",
    "550 5.1.3 Too many invalid recipients from your host; blocked",
    "550 Invalid user or password", "550 unknown user name or bad password",
    "550 recipient not on the allow list of this account",
    "550 Maximum recipients reached for trial user", "550 Unknown account: please contact support",
    "550 No such customer; contract expired",
    # Amazon SES
    "554 Message rejected: Email address is not verified. Identity failed: shop@x.example",
    "550 Email address is not verified", "550 5.1.1 Email address is not verified",
    "550 Address not verified in the sandbox; recipient unknown",
    "554 Access denied: User arn:aws:iam::1:user/x is not authorized to perform ses:SendRawEmail",
    "535 Authentication Credentials Invalid", "550 No such configuration set for user x",
    # Mailgun
    ("550 Sandbox subdomains are for test purposes only. Please add your own domain or add the address"
    " to authorized recipients in Account Settings."),
    "550 Domain x.example is not allowed to send: unknown account", ("550 5.1.1 Free accounts are for"
    " test purposes only"), "550 Please activate your Mailgun account: user inactive",
    "550 User account disabled. Please contact support to learn more.",
    # SendGrid, Mailjet, Brevo, SparkPost
    "550 Maximum credits exceeded", "451 Authentication failed: Maximum credits exceeded",
    "550 5.1.1 Unauthenticated senders not allowed", "550 Invalid user: API key not found",
    "550 user not found: SMTP key expired", "550 5.1.1 Recipient rejected: plan does not permit",
    "550 5.2.1 Account disabled for non-payment", "550 Tenant mailbox does not exist",
    "550 unconfigured sending domain; no such user",
    # Microsoft and Google
    "550 5.7.501 Access denied, spam abuse detected", "550 5.1.1 Access denied, spam abuse detected",
    "550 5.4.5 Daily user sending limit exceeded. For more information on Gmail",
    "550 5.1.1 Daily user sending limit exceeded", "550 5.2.1 Your account has been disabled",
    "550 5.1.10 Recipient not found: directory lookup failed", "550 5.1.8 Access denied, bad sender",
    # OVH, Ionos, Strato, hosts with cPanel or Plesk
    "550 Requested action not taken: mailbox unavailable. Reject due to policy restrictions.",
    "550 Requested action not taken: mailbox unavailable invalid DNS MX or A/AAAA resource record",
    "550 mailbox unavailable: mail quota of 200 messages reached", ("553 Mailbox name not allowed: the"
    " maximum number of recipients is reached"), "550 User unknown: contract locked, unpaid invoice",
    "550 No such recipient: this account may only mail itself during the trial",
    "550 Mailbox unavailable: your package does not include external recipients",
    # Exim and Postfix
    "550-Verification failed for <shop@x.example> 550-No Such User Here 550 Sender verify failed",
    "550 Callout verification failed: 550 No such user", "550 sender verify failed: unknown user",
    "550 5.1.1 <ada@example.com>: Recipient address rejected: User unknown in LDAP; try again",
    "550 Please log in: unknown user", "550 5.1.1 unknown user; relaying denied",
    "550 5.1.0 Address rejected", "550 5.1.0 rejected", "550 5.2.1 not accepting mail",
    "550 user unknown (database unavailable)", "550 recipient unknown: internal error",
    "550 recipient address rejected: country not supported, user unknown to region",
    # Greylisting in words for good
    "550 5.1.1 Greylisted, unknown recipient triplet", "550 mailbox unavailable, graylisted",
    "550 recipient unavailable, please try again later", "553 user unavailable, come back in an hour",
    "550 user temporarily unavailable",
]  # fmt: skip
RECIPIENTS_FAULT = [
    "550 You tried to send to recipient(s) that have been marked as inactive.",
    "550 5.1.1 recipient is on the suppression list", "550 recipient suppressed",
    "550 The email account that you tried to reach does not exist", "550 5.1.1 Account unknown",
    "550 5.1.1 permanent failure: user unknown", "550 mailbox does not exist", "550 user doesn't exist",
    "550 5.1.2 host not found", "550 No such recipient here", "550 no mailbox by that name is here",
    "550 5.1.0 <ada@example.com>: user unknown", "550 Recipient not found", "550 address unknown",
    "550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found", "550 #5.1.1 bad address",
]  # fmt: skip

RELAYS = {
    "postfix": POSTFIX, "exim": EXIM, "microsoft": MICROSOFT, "google": GOOGLE, "amazon": AMAZON,
    "providers": PROVIDERS, "bare": BARE,
}  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "text", "outcome"),
    [
        pytest.param(stage, text, outcome, id=f"{relay}-{stage}-{text[:40]}")
        for relay, verdicts in RELAYS.items()
        for outcome, answers in verdicts.items()
        for stage, text in answers
    ],
)
def test_a_reply_is_held_against_whoever_it_is_about(stage, text, outcome):
    # The reader has taken the mark behind the code away, and joined the lines.
    told = delivery(stage, Reply(int(text[:3]), text[4:]))
    assert (told.outcome.value, told.stage) == (outcome, stage.value)


@pytest.mark.parametrize("text", SENDERS_FAULT)
def test_where_in_doubt_a_refusal_is_not_held_against_the_recipient(text):
    for stage in Stage:
        told = delivery(stage, Reply(int(text[:3]), text[4:]))
        assert told.outcome.value in {"turned_away", "rejected"}


@pytest.mark.parametrize("text", RECIPIENTS_FAULT)
def test_a_refusal_that_is_clearly_the_recipients_is_believed(text):
    told = delivery(RCPT, Reply(int(text[:3]), text[4:]))
    assert told.outcome.value == "refused"


def test_a_long_reply_is_searched_in_its_beginning():
    """From each word of 512 KB to each other would take minutes."""
    line = b"account user suppress recipient " * 120
    (reply,) = ReplyReader().feed((b"550-" + line + b"\r\n") * 120 + b"550 end\r\n")
    assert len(reply.text) <= LONGEST_TEXT
    assert delivery(RCPT, reply).outcome.value == "refused"


@pytest.mark.parametrize("stage", [MAIL, DATA, CONTENT])
def test_nothing_but_an_answer_to_the_recipient_blocks_it(stage):
    for code in range(400, 600):
        for text in ("5.1.1 no such user", "no such mailbox", "5.2.1 disabled", ""):
            assert delivery(stage, Reply(code, text)).outcome.value != "refused"
