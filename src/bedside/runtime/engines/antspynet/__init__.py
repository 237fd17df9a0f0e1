"""ANTsPyNet behind Bedside's gate: the library in a process of its own, its networks kept loaded.

TensorFlow is large, and what it needs often contradicts what we need; so the library runs in a
child, perhaps under another interpreter, and talks over two pipes (`protocol`). The child gets no
secret, fetches nothing and reads only files whose digests the manifest lists. Whatever else the
library would do by itself is written in `library` and `steadying`, each with its reason.

`engine.AntspynetEngine` is the door in; `functions` says what the library can be asked for.
Source: github.com/ANTsX/ANTsPyNet, version 0.3.2, and Tustison et al., Scientific Reports 11, 9068 (2021).
"""
