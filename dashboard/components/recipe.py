"""A task as a program would ask for it: a call of the task API for the shell and for Python, ready to be pasted.

The token is named, never written down: it stands in the environment of whoever runs it. References travel as data URLs
that the program makes from their signed links, so it works wherever those can be opened.
"""

import json
from collections.abc import Sequence
from pprint import pformat
from typing import Any

from dashboard.resources import picture_url, server_url
from data.history import Detail

TOKEN = "PICTURE_DESK_TOKEN"  # noqa: S105 - the name of a variable
_PATH = "/api/generate/image"

_CURL = """\
# {token}: one of the tokens in the server's API_TOKENS
curl -sS -X POST "{url}" \\
  -H "Authorization: Bearer ${token}" \\
  -H "Content-Type: application/json" \\
  --data-binary @- <<JSON
{body}
JSON
"""
_PYTHON = """\
import json
import os
import urllib.request

{picture}body = {body}
{references}request = urllib.request.Request(
    {url!r},
    data=json.dumps(body).encode(),
    headers={{
        "Authorization": f"Bearer {{os.environ['{token}']}}",  # one of the tokens in the server's API_TOKENS
        "Content-Type": "application/json",
    }},
)
with urllib.request.urlopen(request) as answer:
    for task in json.load(answer)["tasks"]:
        print(task["url"])
"""
_PICTURE = """\

def picture(url, kind):
    with urllib.request.urlopen(url) as answer:
        return f"data:{kind};base64,{base64.b64encode(answer.read()).decode()}"


"""


def curl(detail: Detail) -> str:
    """For a shell. The body is a here-document that the shell fills in, since a picture is longer than any argument."""
    body = json.dumps(_body(detail), ensure_ascii=False, indent=2)
    # What the shell would take for its own is written in JSON's other way. A single backslash it leaves alone.
    for text, other in (("\\\\", "\\u005c"), ("$", "\\u0024"), ("`", "\\u0060")):
        body = body.replace(text, other)
    links = [
        f"    \"data:{mime};base64,$(curl -fsS {_quoted(url)} | base64 | tr -d '\\n')\"" for url, mime in _links(detail)
    ]
    if links:
        body = body.removesuffix("\n}") + ',\n  "references": [\n' + ",\n".join(links) + "\n  ]\n}"
    return _CURL.format(token=TOKEN, url=server_url(_PATH), body=body)


def python(detail: Detail) -> str:
    """For Python, with nothing but its own library."""
    links = _links(detail)
    calls = "".join(f"    picture({url!r}, {mime!r}),\n" for url, mime in links)
    text = _PYTHON.format(
        url=server_url(_PATH), token=TOKEN, body=pformat(_body(detail), width=100, sort_dicts=False),
        picture=_PICTURE if links else "", references=f'body["references"] = [\n{calls}]\n' if links else "",
    )  # fmt: skip
    return f"import base64\n{text}" if links else text


def _body(detail: Detail) -> dict[str, Any]:
    card = detail.card
    return {"model": card.model, "prompt": card.prompt, "params": dict(card.params), "count": 1}


def _links(detail: Detail) -> Sequence[tuple[str, str]]:
    return [(picture_url(row.sha256, "original", mime=row.mime), row.mime) for row in detail.inputs]


def _quoted(url: str) -> str:
    return "'" + url.replace("'", "%27") + "'"
