"""Who may do what here: people, their roles, their API keys, and the one permission table."""
