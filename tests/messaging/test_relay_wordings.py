"""What six relays say, and what each wording means: about the address, about us, or for now."""

import pytest

from openstoq.messaging.email.replies import Reply, ReplyReader
from openstoq.messaging.email.verdicts import Stage, delivery
from openstoq.messaging.email.wordings import WORDINGS, Meaning, names_quota

M, R, C = Stage.MAIL, Stage.RCPT, Stage.CONTENT

# Only `address` blocks. `quota` lasts for hours, and no message is lost to it.
OUTCOMES = {
    "address": "refused",
    "message": "rejected",
    "later": "deferred",
    "sender": "turned_away",
    "quota": "turned_away",
}
TABLE = [
# SES
("amazon ses",C,"454 Throttling failure: Daily message quota exceeded.","quota"),
("amazon ses",C,"454 Throttling failure: Maximum sending rate exceeded.","sender"),
("amazon ses",R,"454 Throttling failure: Daily message quota exceeded.","quota"),
("amazon ses",C,"554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: ada@example.com","sender"),
("amazon ses",C,"554 Message rejected: Sending suspended for this account. For more information, please check the inbox","sender"),
("amazon ses",C,"554 Message rejected: Sending paused for this account. For more information, please check the inbox","sender"),
("amazon ses",C,"554 Access denied: User `arn:aws:iam::1:user/x' is not authorized to perform `ses:SendRawEmail'","sender"),
("amazon ses",C,"554 Message rejected: Address blacklisted.","message"),
("amazon ses",C,"554 Message rejected: Address is on the suppression list for your account","message"),
("amazon ses",C,"554 Transaction failed: Duplicate header 'Content-Type'.","message"),
("amazon ses",C,"554 Message rejected: Message contains a virus","message"),
("amazon ses",C,"552 5.3.4 Message is too long.","message"),
("amazon ses",C,"451 Temporary service failure","sender"),
("amazon ses",C,"451 4.4.2 Timeout waiting for data from client.","sender"),
("amazon ses",M,"421 Too many concurrent SMTP connections","sender"),
("amazon ses",R,"501 Invalid RCPT TO address provided","message"),
("amazon ses",R,"553 Recipient address is invalid","address"),
("amazon ses",M,"501 Invalid MAIL FROM address provided","sender"),
("amazon ses",M,"535 Authentication Credentials Invalid","sender"),
# Gmail
("gmail",R,"550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to https://x","quota"),
("gmail",C,"550-5.4.5 Daily user sending limit exceeded. For more information on Gmail 550-5.4.5 sending limits go to","quota"),
("gmail",C,"550 5.4.5 Daily SMTP relay sending limit exceeded for customer. For more","quota"),
("gmail",C,"550 5.4.5 Daily sending quota exceeded","quota"),
("gmail",C,"550 5.7.1 Email quota exceeded. For more information","quota"),
("gmail",R,"550 5.7.1 Daily SMTP relay limit exceeded for user.","quota"),
("gmail",M,"450 4.2.1 Peak SMTP relay limit exceeded for customer. This is a temporary error.","sender"),
("gmail",R,"450 4.2.1 Peak SMTP relay limit exceeded for customer. This is a temporary error.","sender"),
("gmail",R,"450 4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend your message at a later time.","later"),
("gmail",R,"450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.","later"),
("gmail",R,"550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.","message"),
("gmail",R,"452 4.2.2 The email account that you tried to reach is over quota. Please direct the recipient to https://x","later"),
("gmail",R,"452 4.2.2 The recipient's inbox is out of storage space. Please direct the recipient to https://x","later"),
("gmail",R,"552 5.2.2 The email account that you tried to reach is over quota.","message"),
("gmail",R,"552 5.2.2 The recipient's inbox is out of storage space and inactive.","message"),
("gmail",R,"550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos or unnecessary spaces.","address"),
("gmail",R,"550 5.2.1 The email account that you tried to reach is disabled.","address"),
("gmail",R,"550 5.2.1 The email account that you tried to reach is inactive.","address"),
("gmail",R,"553 5.1.2 We weren't able to find the recipient domain. Please check for any spelling errors","address"),
("gmail",R,"553 5.1.3 The recipient address is not a valid RFC 5321 address.","address"),
("gmail",R,"452 4.5.3 Your message has too many recipients. For more information regarding Google's sending limits","sender"),
("gmail",R,"452 4.5.3 Domain policy size per transaction exceeded, please try this recipient in a separate transaction.","sender"),
("gmail",C,"421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail sent from your IP address has been temporarily rate limited.","sender"),
("gmail",C,"550 5.7.1 This message violates example.com email policy. - gcdp","sender"),
("gmail",C,"550 5.7.26 Unauthenticated email from x.example is not accepted due to domain's DMARC policy.","sender"),
("gmail",C,"552 5.3.4 Your message exceeded Google's message size limits.","message"),
("gmail",C,"552 5.7.0 This message was blocked because its content presents a potential security issue.","sender"),
("gmail",M,"534 5.7.9 Application-specific password required.","sender"),
("gmail",M,"454 4.7.0 Too many login attempts, please try again later.","sender"),
("gmail",M,"454 4.7.0 Cannot authenticate due to temporary system problem. Try again later.","sender"),
("gmail",C,"451 4.3.0 Mail server temporarily rejected message.","sender"),
# Postfix
("postfix",R,"450 4.7.1 <ada@example.com>: Recipient address rejected: Policy Rejection- Quota Exceeded.","quota"),
("postfix",R,"554 5.7.1 <shop@x.example>: Sender address rejected: Quota exceeded (hourly)","quota"),
("postfix",M,"450 4.7.1 Error: too much mail from 192.0.2.1","sender"),
("postfix",R,"452 4.5.3 Error: too many recipients","sender"),
("postfix",R,"452 4.2.2 <ada@example.com>: Recipient address rejected: over quota","later"),
("postfix",R,"552 5.2.2 <ada@example.com>: Recipient address rejected: Mailbox is over quota","message"),
("postfix",R,"550 5.1.1 <ada@example.com>: Recipient address rejected: User unknown in virtual mailbox table","address"),
("postfix",R,"550 5.1.1 <ada@example.com>: Recipient address rejected: User unknown in virtual alias table","address"),
("postfix",R,"550 5.1.0 <ada@example.com>: Recipient address rejected: User unknown","address"),
("postfix",R,"450 4.1.1 <ada@example.com>: Recipient address rejected: User unknown in local recipient table","later"),
("postfix",R,"550 5.1.2 <ada@none.example>: Recipient address rejected: Domain not found","address"),
("postfix",R,"554 5.7.1 <ada@example.com>: Recipient address rejected: Access denied","sender"),
("postfix",R,"554 5.7.1 <ada@example.com>: Relay access denied","sender"),
("postfix",R,"454 4.7.1 <ada@example.com>: Relay access denied","sender"),
("postfix",R,"451 4.3.5 <ada@example.com>: Recipient address rejected: Server configuration error","sender"),
("postfix",R,"450 4.2.0 <ada@example.com>: Recipient address rejected: Greylisted, see http://x","later"),
("postfix",R,"504 5.5.2 <ada>: Recipient address rejected: need fully-qualified address","sender"),
# Exchange
("exchange",C,"550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients","quota"),
("exchange",C,"554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception","quota"),
("exchange",C,"550 5.2.2 Submission quota exceeded","quota"),
("exchange",C,"550 5.7.232 Your message can't be sent because your trial tenant has exceeded its daily limit for sending email to external recipients (tenant external recipient rate limit)","quota"),
("exchange",C,"550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit for sending email to external recipients (tenant external recipient rate limit)","quota"),
("exchange",R,"550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit for sending email to external recipients","quota"),
("exchange",C,"550 5.7.705 Access denied, tenant has exceeded threshold","quota"),
("exchange",C,"550 5.2.251 Sender throttled due to continuous mailbox full errors.","sender"),
("exchange",C,"550 5.2.255 Sender throttled due to continuous invalid recipients errors.","sender"),
("exchange",R,"550 5.2.255 Sender throttled due to continuous invalid recipients errors.","sender"),
("exchange",C,"432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information. [Hostname=x.prod.outlook.com]","sender"),
("exchange",C,"432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded","later"),
("exchange",R,"450 4.7.500 Server busy. Please try again later","sender"),
("exchange",R,"451 4.7.500-699 Access denied, please try again later","sender"),
("exchange",R,"550 5.1.1 RESOLVER.ADR.RecipNotFound; not found","address"),
("exchange",R,"550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ada@example.com not found by SMTP address lookup","address"),
("exchange",R,"550 5.1.351 Remote server returned unknown recipient or mailbox unavailable","message"),
("exchange",R,"550 5.4.1 Recipient address rejected: Access denied. AS(201806281)","sender"),
("exchange",R,"550 5.4.310 DNS domain nowhere.example does not exist","sender"),
("exchange",C,"550 5.1.8 Access denied, bad outbound sender","sender"),
("exchange",C,"550 5.7.501 Access denied, spam abuse detected","sender"),
("exchange",R,"550 5.7.606 Access denied, banned sending IP [192.0.2.1]","sender"),
("exchange",C,"550 5.7.750 Service unavailable. Client blocked from sending from unregistered domains.","sender"),
("exchange",C,"554 5.2.252 SendAsDenied; shop@x.example not allowed to send as other@x.example","sender"),
("exchange",C,"552 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient","message"),
("exchange",C,"554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException","message"),
("exchange",M,"530 5.7.57 Client not authenticated to send mail","sender"),
("exchange",M,"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant","sender"),
# Mailgun
("mailgun",C,"421 Domain x.example is not allowed to send: recipient limit exceeded, try again after Mon, 25 Aug 2025 07:00:31 UTC","quota"),
("mailgun",C,"420 Domain x.example is not allowed to send: recipient limit exceeded, try again after Mon, 25 Aug 2025 07:00:31 UTC","quota"),
("mailgun",R,"450 Domain x.example is not allowed to send: recipient limit exceeded, try again after Mon, 25 Aug 2025 07:00:31 UTC","quota"),
("mailgun",C,"421 Domain x.example is not allowed to send: Account disabled","sender"),
("mailgun",C,"550 Domain x.example is not allowed to send: request limit exceeded, try again after","quota"),
("mailgun",C,"550 5.7.1 Domain x.example is not allowed to send: The domain is unverified and requires DNS configuration.","sender"),
("mailgun",R,"550 Sandbox subdomains are for test purposes only. Please add your own domain or add the address to authorized recipients in Account Settings.","sender"),
("mailgun",C,"421 #4.4.5 Too many connections from your host.","sender"),
("mailgun",R,"550 5.1.1 'ada' is not a valid address","address"),
("mailgun",R,"501 5.1.3 invalid address","address"),
("mailgun",C,"550 Business account monthly message limit exceeded","quota"),
("mailgun",C,"552 5.3.4 Message size exceeds fixed limit","message"),
# Postmark
("postmark",C,"550 You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: ada@example.com. Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression.","message"),
("postmark",R,"550 You tried to send to a recipient that has been marked as inactive.","address"),
("postmark",C,"550 Not allowed to send: you ran out of credits","quota"),
("postmark",C,"550 The Sender Signature for shop@x.example was not found","sender"),
("postmark",C,"550 Sender signature not confirmed","sender"),
("postmark",C,"550 5.7.1 While your account is pending approval, all recipient addresses must share the same domain as the 'From' address.","sender"),
("postmark",R,"550 5.7.1 While your account is pending approval, all recipient addresses must share the same domain as the 'From' address.","sender"),
("postmark",C,"550 Server has been disabled, account is inactive","sender"),
("postmark",C,"429 Rate limit exceeded","sender"),
("postmark",C,"451 4.7.0 Rate limit exceeded, slow down","sender"),
("postmark",R,"550 5.1.3 Invalid email address in To","address"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "text", "meaning"),
    [pytest.param(*row[1:], id=f"{row[0]}-{row[1]}-{row[2][:50]}") for row in TABLE],
)
def test_a_known_wording_has_the_outcome_of_its_meaning(stage, text, meaning):
    told = delivery(stage, Reply(int(text[:3]), text[4:]))
    assert (told.outcome.value, told.is_quota) == (OUTCOMES[meaning], meaning == "quota")


@pytest.mark.parametrize("row", [row for row in TABLE if row[3] != "address"])
def test_nothing_else_blocks_an_address_at_any_stage(row):
    _, _, text, _ = row
    for stage in Stage:
        assert delivery(stage, Reply(int(text[:3]), text[4:])).outcome.value != "refused"


def test_every_wording_of_the_table_has_an_example():
    examples = " ".join(row[2].lower() for row in TABLE)
    missing = [
        wording
        for wordings in WORDINGS.values()
        for wording, _ in wordings
        if wording not in examples
    ]
    assert missing == []
    assert {row[0] for row in TABLE} == set(WORDINGS)


def test_a_wording_about_us_wins_over_one_about_the_recipient():
    told = (
        "550 5.1.1 User unknown: Daily user sending limit exceeded; recipient thread limit exceeded"
    )
    assert delivery(R, Reply(550, told[4:])).is_quota
    assert list(Meaning)[:2] == [Meaning.QUOTA, Meaning.SENDER]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("552 5.2.2 ada@example.com User email quota exceeded", "rejected"),
        ("552-5.2.2 Email quota 552 5.2.2 exceeded", "rejected"),
        ("552 User email quota exceeded", "rejected"),
        ("452 4.2.2 Email quota exceeded", "deferred"),
        ("452 Recipient's email quota exceeded", "deferred"),
        ("450 4.2.1 Rate limit exceeded", "deferred"),
    ],
)
def test_a_full_mailbox_is_not_taken_for_our_quota(text, outcome):
    told = delivery(R, Reply(int(text[:3]), text[4:]))
    assert (told.outcome.value, told.is_quota) == (outcome, False)


@pytest.mark.parametrize(
    "text",
    [
        "550 5.7.1 Email quota exceeded for this user",
        "550 <user.1@example.com>: Email quota exceeded",
    ],
)
def test_our_quota_is_not_taken_for_a_full_mailbox(text):
    assert delivery(R, Reply(550, text[4:])).is_quota


def test_a_code_that_is_repeated_between_lines_does_not_hide_a_wording():
    lines = b"550-5.4.5 Daily user sending\r\n550 5.4.5 limit exceeded. x.example - gsmtp\r\n"
    (reply,) = ReplyReader().feed(lines)
    assert delivery(R, reply).is_quota


@pytest.mark.parametrize(
    "text",
    [
        "Domain x.example has exceeded the max emails per hour (500/500 (100%))",
        "mail quota of 200 messages reached", "Hourly sending limit reached for this mailbox",
        "you have sent your maximum of 300 mails in 24 hours", "Maximum credits exceeded",
        "out of credits", "this package has a limit of 100 mails per day",
        "too many recipients this hour: limit 500", "monthly cap exceeded",
        "Sending limit exceeded", "you have reached your sending limit", "recipient limit was reached",
    ],
)  # fmt: skip
def test_a_relay_that_is_not_in_the_table_may_name_a_quota_too(text):
    assert names_quota(text)


@pytest.mark.parametrize(
    "text",
    [
        "Authentication required", "too fast, slow down", "Relay access denied", "policy",
        "Your IP is on a block list", "Server busy, try again later", "rate limited",
        "message exceeds size limit",
    ],
)  # fmt: skip
def test_what_passes_soon_or_never_is_no_quota(text):
    assert not names_quota(text)
