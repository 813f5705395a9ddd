"""Routes for shoppers: the links in their mails, and the requests of a shop's pages."""
