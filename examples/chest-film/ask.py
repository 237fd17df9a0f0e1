"""Asks about films in the three forms that a picture may have: ask.py URL KEY-FILE FILM.png …"""

import base64
import json
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

PREDICT = "/v1/models/chest-film-opacity/predict"
STATED = {"modality": "DX", "body_part": "CHEST", "view": "PA"}
LINE = "a-line-that-no-film-holds-5f0c2b"


def ask(url: str, key: str, media_type: str, body: bytes) -> dict:
    """Return the answer, or the problem (RFC 9457) as which a refusal comes."""
    line = HTTPConnection(urlsplit(url).netloc, timeout=60)
    headers = {"authorization": f"Bearer {key}", "content-type": media_type}
    line.request("POST", PREDICT, body, headers)
    return json.load(line.getresponse())


def in_json(film: bytes) -> tuple[str, bytes]:
    """Return base64 in JSON; the sender says what a PNG cannot, and asks for the heat map."""
    row = {"image": base64.b64encode(film).decode(), **STATED}
    return "application/json", json.dumps({"input": row, "explain": True}).encode()


def in_a_form(film: bytes) -> tuple[str, bytes]:
    """Return a form (multipart/form-data) in which the sender says nothing beside the film."""
    head = f'--{LINE}\r\ncontent-disposition: form-data; name="image"; filename="film"\r\n\r\n'
    body = head.encode() + film + f"\r\n--{LINE}--\r\n".encode()
    return f"multipart/form-data; boundary={LINE}", body


def tell(what: str, answer: dict) -> None:
    """Print what came back: label, probability and threshold in one sentence; or why not."""
    if "told" not in answer:
        why = [f"{one['value']}; it takes {one['allowed']}." for one in answer.get("refusals", [])]
        print(f"{what}: REFUSED. {answer['detail']}", *why)
        return
    print(f"{what}: {answer['told']['en']}")
    for flag in answer["flags"]:
        print(f"  note: {flag['words']['en']} {flag['detail']}")
    if "explanation" in answer:
        Path("heat.png").write_bytes(base64.b64decode(answer["explanation"]["data"]))
        print("  why: heat.png")


if __name__ == "__main__":
    url, key = sys.argv[1], Path(sys.argv[2]).read_text("utf-8").strip()
    for name in sys.argv[3:]:
        film = Path(name).read_bytes()
        if name.endswith(".dcm"):
            tell(f"{name}, the file alone", ask(url, key, "application/dicom", film))
            continue
        tell(f"{name}, in JSON", ask(url, key, *in_json(film)))
        tell(f"{name}, in a form", ask(url, key, *in_a_form(film)))
