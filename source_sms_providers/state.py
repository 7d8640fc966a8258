import logging
from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from datetime import date, timedelta
from typing import Any

from airbyte_cdk.sources.declarative.migrations.state_migration import StateMigration

from source_sms_providers.errors import config_error

LOGGER = logging.getLogger("airbyte")


@dataclass
class RewindState(StateMigration):
    """Makes a sync read the last `lookback_days` complete days again.

    A state `{"date": D}` says: every day up to D, itself included, was read wholly. The rewound
    state says less: its day is the one before the first day to ask, and its time is that day's last
    second, so that the cursor's next window starts at a midnight and joins what is done.

    The cursor's own lookback is no help: its days lie inside what counts as done, so one that fails
    is never asked again (`CONTRIBUTING.md`, 3).
    """

    config: Mapping[str, Any]
    declarative_stream: Any
    parameters: InitVar[Mapping[str, Any]]

    def should_migrate(self, stream_state: Mapping[str, Any]) -> bool:
        return "date" in stream_state

    def migrate(self, stream_state: Mapping[str, Any]) -> Mapping[str, Any]:
        name = self.declarative_stream.name
        try:
            done = date.fromisoformat(str(stream_state["date"])[:10])
        except ValueError:
            raise config_error(
                f"The saved state of the stream '{name}' holds no date. Clear the stream's data to start anew."
            ) from None
        today = date.fromisoformat(self.config["today"])
        if done > today:
            LOGGER.warning(
                "The saved state of the stream '%s' is of %s, which is in the future: only the last days are read "
                "again. If days are missing, clear the stream's data in Airbyte.",
                name,
                done,
            )
        first_to_ask = today - timedelta(days=self.config.get("lookback_days", 3))
        return {"date": f"{min(done, first_to_ask - timedelta(days=1))}T23:59:59Z"}
