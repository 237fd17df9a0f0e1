"""A MONAI bundle as what freezing needs; nothing that its configuration says is ever evaluated.

A bundle is a folder: `configs/metadata.json`, `configs/inference.json`, `models/model.pt` or
`.ts`. `folder.py` finds and bounds its files, `configuration.py` follows the references between
its entries, `transforms.py` and its neighbours say what maps to declared operations; the rest is
refused by name. Only `network.py` and `native.py` import MONAI, in the child process of
`freezing`.

Source: MONAI 1.6, "MONAI Bundle" (mb_specification, config_syntax).
"""
