"""The words of a model card for people, in English and Japanese; `speaker.Speaker` speaks them."""
