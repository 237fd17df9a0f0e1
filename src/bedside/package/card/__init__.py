"""A model card, made from a manifest alone: `markdown.card_markdown` and `page.card_html`.

The headings follow Mitchell et al. 2019, “Model Cards for Model Reporting”. `content` says what
stands in a card, `words` in which words, `markdown` and `page` how it is written.
"""
