"""The Japanese characters of the pictures' few words as strokes, drawn for this house.

Each stroke is a polyline of hexadecimal digits, x and y in turn, y downwards, on a grid of 15 × 15.
A word with another character needs that character's strokes here; a test says which is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

WIDE: Final = 15
"""Units of a character's width and height."""

_THREAD: Final = "401344 621767 5578 474f 291c 697c"
_SPEECH: Final = "3041 0373 1565 1767 1a6a6f1f1a"
_ILLNESS: Final = "8082 32f2 32390f 0416 0a28"
_FLESH: Final = "111a0f 11515f4e 1555 1a5a"

SQUARE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "放": "4042 0373 37676d5e4d 33360e a086 93f3 d3c97e 96bbff",
        "射": "5042 2229 22727f5e 2575 2777 0989 791e 84f4 d0dfbe a7b9",
        "線": f"{_THREAD} b0a2 92e2e79792 95e5 b7bfae 89a98d e8ca c9fe",
        "科": "6012 0575 414f 460b 477a 92b4 86a8 8cfa d0df",
        "の": "83785c3d2b284583c4e7db9e",
        "向": "8063 1f13e3efce 57a7ab5b57",
        "き": "24d3 27d6 60b9 3b4d7fbe",
        "左": "14e4 70654a0e 68d8 989e 4efe",
        "右": "14e4 7065390d 58d8df5f58",
        "が": "14a49b7e5c 50461d b4e9 c0d2 e0f2",
        "患": "41b1b34341 25d5d82825 8089 2b1e 4b5fbfcc 7a8c dafd",
        "者": "32b2 7076 06f6 e11b 58c8cf5f58 5bcb",
        "神": "3042 14640a 474f 587a 83e3ea8a83 86e6 b0bf",
        "経": f"{_THREAD} 91e1c587 a2c5f7 9aea c8cf 8fff",
        "学": "2133 7082 d1b3 0815f5e8 47c78a 8a8f6e 0bfb",
        "横": "0464 303f 350b 3669 82e2 a0a5 d0d5 75f5 87e7ec8c87 8aea b5bc 9d7f ddff",
        "断": "111d7d 2676 515b 562a 5679 3244 7264 e0a2 a2a98f a6f6 d6df",
        "面": "01f1 8174 14e4ef1f14 545f a4af 58a8 5bab",
        "冠": "0411f1e4 2464 1777 373b0f 575e8e8c 86f6 d4dfbe 99ab",
        "状": "404f 1325 0c48 65f5 a0a56f a6cbff d1e3",
        "矢": "4015 33d3 08f8 83881f 89ff",
        "記": f"{_SPEECH} 92e2e797 979efefb",
        "録": "4005 4074 2565 1878 454e 2a3c 6a5c 0e7e 91e1e6 94e4 86f6 b6bfae 889a 8dab e8ca cafd",
        "診": f"{_SPEECH} b085 b0f5 b497 d69b e98f",
        "療": f"{_ILLNESS} 55f5 a3a559 a5f9 88c8cb8b88 abaf 7c5e dcfe",
        "病": f"{_ILLNESS} 55f5 5f58e8efcf 95986d 98dd",
        "瘍": f"{_ILLNESS} 75d5d97975 77d7 6bfb 8b6e 7dedefcf ad8f",
        "脳": f"{_FLESH} 7284 a1b3 e1d4 767eeee6 88cc c88c",
        "腫": f"{_FLESH} e182 73f3 85e5eb8b85 88e8 b2bf 7ded 6fff",
        "白": "8064 34c4cf3f34 39c9",
        "質": "602125 2363 4347 d09195 93e3 b3b6 37c7cd3d37 39c9 3bcb 5d2f addf",
        "灰": "12f2 42390f 5668 d6b8 94985f 98ef",
        "変": "8083 03f3 63674a a3a8 3418 c4e7 784b 6aca9d2f 6a9dff",
        "域": "0464 313c 0d6b 74f4 78b8bc7c78 7fbe c0c9effc f89f e0f2",
        "出": "808e 2236d6d2 181eeee8",
        "血": "8063 24d4de 242e 646e a4ae 0efe",
        "骨": "4045 40c0c5 73c3 7375 0817f7e9 393f 39c9cfaf 3bcb 3dcd",
        "巣": "3142 7182 d0b3 34c4c83834 36c6 848f 0afa 7a2f 9aef",
        "背": "5056 1252 0755 a0a5e5e3 e1a3 373d2f 37c7cfaf 3aca 3ccc",
        "景": "40b0b54540 43b2 8587 07f7 49b9bc4c49 8c8f6f 5d2f bdde",
        "マ": "12e27a 489d",
        "ス": "23c31f 89ef",
        "ク": "6017 52d23f",
        "使": "4007 252f 52f2 64e4e86864 a0a89c5f 69adff",
        "確": "0262 3208 28686e2e28 8482f2f4 a378 969f c3b5 96f6 99e9 9cec 9fff c6cf",
        "率": "8081 12e2 826596 a569a9 2446 1a48 d4b6 b8ea 0cfc 8a8f",
        "な": "1484 501a a3e6 a6ac8f5e5c7bbcee",
        "し": "515b7eaeda",
        "に": "21182e 74d4 7a8ded",
        "わ": "404f 14540c67a5d6e9dc9f",
        "い": "12183c5a c3d6ea",
        "こ": "33c2 2a3c7ded",
        "と": "4066 d3663a4d8ede",
        "、": "2d4f",
        "：": "8585 8b8b",
    }
)
