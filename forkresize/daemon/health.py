"""``forkresized health``: asks a program whether it is ready, for checks of containers that have no other client."""

import http.client
import sys
from http import HTTPStatus
from urllib.error import HTTPError, URLError
from urllib.request import OpenerDirector, ProxyHandler, build_opener

import click

from forkresize.cli.types import DURATION
from forkresize.errors import describe
from forkresize.exit_policy import ExitCode
from forkresize.urls import redact

_MAX_BYTES = 1 << 16


@click.command(short_help="Ask a gateway or a node whether it is ready.")
@click.argument("url", metavar="URL")
@click.option("--timeout", type=DURATION, default="5s", show_default=True, help="Time until no answer is a failure.")
def health(url: str, timeout: float) -> int:
    """Ask for URL, such as http://127.0.0.1:8080/readyz, and print the answer.

    The exit code is 0 if the status is 200, and 1 if it is not or there is no answer.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise click.UsageError(f"invalid URL {redact(url)!r}: use http://HOST:PORT/readyz")
    status, text = _ask(build_opener(ProxyHandler({})), url, timeout)
    sys.stdout.write(f"{text}\n")
    return ExitCode.OK if status == HTTPStatus.OK else ExitCode.FAILURES


def _ask(opener: OpenerDirector, url: str, timeout: float) -> tuple[int, str]:
    """Return the status, 0 for no answer, and the text of an answer."""
    try:
        with opener.open(url, timeout=timeout) as response:
            return response.status, _read(response)
    except HTTPError as error:
        with error:
            return error.code, _read(error)
    except (URLError, OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        return 0, f"{redact(url)}: no answer: {describe(reason) if isinstance(reason, OSError) else reason}"


def _read(response: "http.client.HTTPResponse | HTTPError") -> str:
    text = response.read(_MAX_BYTES).decode(errors="replace").strip()
    return "".join(each for each in text if each.isprintable())
