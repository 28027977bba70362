"""Print what the TypeScript types and tables are made from: the server's own code, as JSON."""

import json
import sys

from gator.app import create_app
from gator.protocol.errors import CLOSES, ERRORS


def main() -> None:
    """Write error codes, closing codes and the bodies of HTTP to standard output."""
    description = {
        "errors": {code: row.temporary for code, row in ERRORS.items()},
        "closes": {close.code: close.reconnect for close in CLOSES},
        "schemas": create_app().openapi()["components"]["schemas"],
    }
    json.dump(description, sys.stdout)


main()
