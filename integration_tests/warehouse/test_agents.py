"""docs/agents.md: PyAirbyte's MCP server syncs the manifests of connector-builder/."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import timedelta
from pathlib import Path

from integration_tests.expected import expected_records
from integration_tests.sandbox.client import Sandbox
from integration_tests.warehouse.warehouse import PYAIRBYTE, REPOSITORY, environment

PAGE = (REPOSITORY / "docs/agents.md").read_text(encoding="utf-8")
ASK = """
import asyncio, json, sys
from fastmcp import Client

server, calls = map(json.loads, sys.argv[1:])

async def main():
    async with Client(server) as client:
        for tool, arguments in calls:
            found = await client.call_tool(tool, arguments)
            print(json.dumps(found.structured_content["result"]))

asyncio.run(main())
"""


def test_an_agent_syncs_a_manifest_and_queries_its_tables(tmp_path: Path) -> None:
    server = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
    [only] = server["mcpServers"].values()
    only["command"] = str(PYAIRBYTE.with_name(Path(only["command"]).name))
    only["cwd"] = str(tmp_path)
    settings = tmp_path / "config.json"
    with Sandbox() as sandbox:
        config, today = sandbox.config(), sandbox.today()
        settings.write_text(json.dumps(config), encoding="utf-8")
        first, last = today - timedelta(days=3), today - timedelta(days=1)
        expected = expected_records(sandbox.settings(), config, today, first, last)
        calls = [
            *(
                (
                    "sync_source_to_cache",
                    {
                        "source_connector_name": name,
                        "manifest_path": str(REPOSITORY / f"connector-builder/{name}.yaml"),
                        "config_file": str(settings),
                        "streams": stream,
                    },
                )
                for name, stream in (("seven-io", "analytics"), ("smsfactor", "credits"))
            ),
            ("run_sql_query", {"sql_query": "SELECT date, sms, usage_eur FROM analytics ORDER BY date"}),
            ("run_sql_query", {"sql_query": "SELECT credits FROM credits"}),
        ]
        done = subprocess.run(
            [PYAIRBYTE, "-W", "ignore", "-c", ASK, json.dumps(server), json.dumps(calls)],
            cwd=tmp_path,
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    *_, analytics, credits = map(json.loads, done.stdout.splitlines())
    assert [(row["date"], row["sms"], float(row["usage_eur"])) for row in analytics] == [
        (row["date"], row["sms"], row["usage_eur"]) for row in expected["analytics"]
    ]
    assert [float(row["credits"]) for row in credits] == [row["credits"] for row in expected["credits"]]
