"""What shoppers reach: the links in their mails, and what a shop's pages ask."""
