"""The HTTP door: translate a request, call a use case, translate the answer back."""
