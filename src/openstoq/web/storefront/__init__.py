"""What shoppers reach: the links in their mails."""
