"""A first `spec.toml`: every question asked, what the data and the model show proposed.

`draft.draft_spec` writes one; `unanswered.refuse_unanswered` finds what nobody has answered yet.
"""
