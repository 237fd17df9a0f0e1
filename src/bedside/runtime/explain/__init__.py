"""Why an answer is what it is: contributions of fields, and occlusion of pictures.

Pure arithmetic over a function that answers; `docs/spec/package.md`, section 12, defines it.
"""
