# ruff: noqa: A005 - it is tests.site, named after bedside.site, and hides nothing
