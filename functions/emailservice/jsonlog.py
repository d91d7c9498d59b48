"""Log lines as JSON on standard output."""

import json
import logging
import sys


class JsonFormatter(logging.Formatter):
    """One object a line: time in seconds, logger, severity, message."""

    def format(self, record):
        return json.dumps(
            {
                "timestamp": record.created,
                "name": record.name,
                "severity": record.levelname,
                "message": record.getMessage(),
            }
        )


def logger(name):
    """A logger that writes every line at once."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    made = logging.getLogger(name)
    made.setLevel(logging.INFO)
    made.addHandler(handler)
    return made
