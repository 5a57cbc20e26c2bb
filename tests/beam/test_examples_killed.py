"""Programs of apache_beam.examples that are killed again and again: nothing lost, nothing twice."""

from __future__ import annotations

import time
from collections import Counter

from tests.beam.stage import Stage

WAVES, OF_EACH = 4, 60
"""Waves of events, each with so many; the job is killed at the end of all but the last."""


def test_leader_board_keeps_its_panes(stage: Stage) -> None:
    """Each event scores 1, so that a sum is a count: above it is doubled state, below lost."""
    hour = (int(time.time()) // 3600 + 1) * 3_600_000
    args = ("--subscription", stage.subscription, "--dataset", stage.dataset)
    users, teams = Counter[str](), Counter[str]()
    for wave in range(WAVES):
        with stage.running("complete/game/leader_board.py", *args) as run:
            for number in range(OF_EACH):
                user, team = f"user{number % 3}", f"team{number % 2}"
                users[user] += 1
                teams[team] += 1
                stage.publish(f"{user},{team},1,{hour + wave * OF_EACH + number},text")
                if number == OF_EACH // 2:
                    run.has_pulled(1)
            if wave < WAVES - 1:
                run.kill()
            else:
                stage.is_empty()
    most = Counter[str]()
    for row in [*stage.rows("leader_board_users"), *stage.rows("leader_board_teams")]:
        name = row.get("user") or row["team"]
        most[name] = max(most[name], row["total_score"])
    assert {name: most[name] for name in teams} == teams
    # A user's panes are of ten events or more, and Beam gives no last one for fewer.
    assert all(users[name] - 10 < most[name] <= users[name] for name in users), (most, users)
