"""Where the 32 bytes of the site key come from: a file, a passphrase, the environment, a KMS."""
