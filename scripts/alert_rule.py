"""What a shell script asks of terraform/monitoring/alerts.json and Cloud Monitoring.

request RULE MINUTES KEY=VALUE...   the query of a timeSeries.list request for the rule's metric,
                                    over the last MINUTES, where ${KEY} in its labels is VALUE
judge RULE                          the answer comes in; the newest figure goes out beside the
                                    rule's limit, and the exit code is 1 if it is above
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlencode

RULES = Path(__file__).parent.parent / "terraform" / "monitoring" / "alerts.json"


def request(rule: dict[str, Any], minutes: float, names: dict[str, str]) -> str:
    """The URL query of projects.timeSeries.list, newest points first."""
    labels = (
        f'{label} = "{Template(value).substitute(names)}"'
        for label, value in rule["labels"].items()
    )
    now = datetime.now(UTC)
    return urlencode(
        {
            "filter": " AND ".join((f'metric.type = "{rule["metric"]}"', *labels)),
            "interval.startTime": (now - timedelta(minutes=minutes)).isoformat(),
            "interval.endTime": now.isoformat(),
        }
    )


def judge(rule: dict[str, Any], answer: dict[str, Any]) -> tuple[bool, str]:
    """Whether the newest figures, summed over what the filter found, are within the limit."""
    newest = [series["points"][0]["value"] for series in answer.get("timeSeries", [])]
    if not newest:
        return True, "no figure yet"
    figure = sum(float(each.get("int64Value", each.get("doubleValue", 0))) for each in newest)
    return figure <= rule["above"], f"{figure:g} (alert above {rule['above']})"


def main(command: str, name: str, minutes: str = "0", *pairs: str) -> int:
    """Run one command; gives its exit code."""
    rule = json.loads(RULES.read_text())[name]
    if command == "request":
        print(request(rule, float(minutes), dict(pair.split("=", 1) for pair in pairs)))
        return 0
    fine, said = judge(rule, json.load(sys.stdin))
    print(said)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
