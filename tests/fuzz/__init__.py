"""The parsers of strangers' files under a fuzzer that follows which code an input reaches."""
