"""The server that holds the grants: many accounts, many callers."""
