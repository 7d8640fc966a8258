"""Adds the connector to a self-managed Airbyte by its API: its definition, a source with your keys, a daily connection.

Put your settings into secrets/config.json, as README.md says. Then set these variables and run it:

    export AIRBYTE=http://localhost:8000 CLIENT_ID=… CLIENT_SECRET=…
    export WORKSPACE_ID=… DESTINATION_ID=… SCHEMA=sms_providers
    .venv/bin/python examples/self_managed_airbyte.py

SCHEMA is the schema of the tables. Each account needs its own: in a shared one, rows of one account would replace rows
of another. Take CLIENT_ID and CLIENT_SECRET from an application (User > User settings > Applications; with abctl:
`abctl local credentials`), and the ids of the workspace and of the destination from the address bar of the UI.
Optional: IMAGE and TAG name another image, and DEFINITION_ID reuses an existing definition for a further account.

It prints the id of everything that it creates. After an error, delete these in the UI before you run it again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import requests
import yaml

REPOSITORY = Path(__file__).parents[1]
METADATA = yaml.safe_load((REPOSITORY / "metadata.yaml").read_text(encoding="utf-8"))["data"]


class Airbyte:
    """Airbyte's public API. Each call returns the JSON of the response, or raises `requests.HTTPError`."""

    def __init__(self, url: str, client_id: str, client_secret: str) -> None:
        self._api = f"{url.rstrip('/')}/api/public/v1"
        self._session = requests.Session()
        grant = {"client_id": client_id, "client_secret": client_secret, "grant-type": "client_credentials"}
        self._session.headers["Authorization"] = f"Bearer {self.post('applications/token', grant)['access_token']}"

    def get(self, path: str, **query: str) -> Any:
        return self._answer(self._session.get(f"{self._api}/{path}", params=query, timeout=300))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._answer(self._session.post(f"{self._api}/{path}", json=body, timeout=300))

    @staticmethod
    def _answer(response: requests.Response) -> Any:
        response.raise_for_status()
        return response.json()


def add(airbyte: Airbyte, config: dict[str, Any], workspace: str, destination: str, schema: str) -> None:
    image = {
        "name": METADATA["name"],
        "dockerRepository": os.environ.get("IMAGE", METADATA["dockerRepository"]),
        "dockerImageTag": os.environ.get("TAG", METADATA["dockerImageTag"]),
        "documentationUrl": METADATA["documentationUrl"],
    }
    definitions = f"workspaces/{workspace}/definitions/sources"
    definition = os.environ.get("DEFINITION_ID") or airbyte.post(definitions, image)["id"]
    print(f"Definition {definition}")
    source = airbyte.post(
        "sources",
        {"name": METADATA["name"], "workspaceId": workspace, "definitionId": definition, "configuration": config},
    )["sourceId"]
    print(f"Source {source}")
    # The suggested streams that the keys can read, as Airbyte discovers them.
    offered = [stream["streamName"] for stream in airbyte.get("streams", sourceId=source, destinationId=destination)]
    streams = [name for name in METADATA["suggestedStreams"]["streams"] if name in offered]
    connection = airbyte.post(
        "connections",
        {
            "name": METADATA["name"],
            "sourceId": source,
            "destinationId": destination,
            "namespaceDefinition": "custom_format",
            "namespaceFormat": schema,
            "schedule": {"scheduleType": "cron", "cronExpression": "0 17 6 * * ? UTC"},
            "configurations": {
                "streams": [{"name": name, "syncMode": "incremental_deduped_history"} for name in streams]
            },
        },
    )["connectionId"]
    print(f"Connection {connection}: {len(streams)} streams, every day at 6:17 UTC")


if __name__ == "__main__":
    add(
        Airbyte(os.environ["AIRBYTE"], os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]),
        json.loads((REPOSITORY / "secrets/config.json").read_text(encoding="utf-8")),
        os.environ["WORKSPACE_ID"],
        os.environ["DESTINATION_ID"],
        os.environ["SCHEMA"],
    )
