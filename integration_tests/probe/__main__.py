"""`make probe`: what a real account shows of the behaviours that neither provider documents.

Asks `secrets/config.json`'s accounts, or the sandbox's if there is none, and writes `probe-report.md` and
`probe-report.json`. Both hold shapes and verdicts, which are texts of this package, and nothing of an answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from integration_tests.probe import seven, smsfactor
from integration_tests.probe.asking import CANNOT_TELL, Asker, Question, Untold, Verdict
from integration_tests.sandbox.client import Sandbox
from source_sms_providers.files import read_config

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG = REPOSITORY / "secrets/config.json"


class Provider(NamedTuple):
    name: str
    first_asked: tuple[str, str]
    """Streams that show, before any question, that the key is accepted."""
    questions: Sequence[Question]


class Line(NamedTuple):
    provider: str
    question: Question
    verdict: Verdict


PROVIDERS = (
    Provider("seven.io", ("balance", "analytics"), seven.QUESTIONS),
    Provider("SMSFactor", ("credits", "consumption"), smsfactor.QUESTIONS),
)


class Report(NamedTuple):
    """What was learnt of which providers, with how many requests."""

    account: str
    requests: int
    lines: Sequence[Line]

    def knobs(self) -> dict[str, Any]:
        """The switches of the sandbox that make it behave so, for `--like`."""
        told = {each.question.knob: each.verdict.knob_value for each in self.lines}
        return {knob: value for knob, value in told.items() if knob and value is not None}

    def as_json(self) -> dict[str, Any]:
        verdicts = [
            {"provider": name, "question": question.about, "shows": verdict.shows}
            for name, question, verdict in self.lines
        ]
        return {"account": self.account, "requests": self.requests, "verdicts": verdicts, "knobs": self.knobs()}

    def as_page(self) -> str:
        return "\n".join(self._page()) + "\n"

    def _page(self) -> Iterator[str]:
        yield f"# What {self.account} shows"
        yield f"\n{self.requests} requests, which only read. No key, name, label, number or amount of it is told here."
        for provider in PROVIDERS:
            lines = [each for each in self.lines if each.provider == provider.name]
            yield f"\n## {provider.name}\n"
            if not lines:
                yield "Not asked: there is no key for it in the settings."
                continue
            yield from ("| Question | What is shown |", "|---|---|")
            yield from (f"| {each.question.about} | {each.verdict.shows} |" for each in lines)
        yield "\n## Settings that fit\n"
        yield from _listed([each.verdict.fits for each in self.lines], "None was told.")
        yield "\n## Assumptions of the connector that do not hold\n"
        yield from _listed([each.verdict.disproves for each in self.lines], "None was disproved.")


def _listed(texts: Sequence[str], nothing: str) -> Sequence[str]:
    return [f"- {text}" for text in texts if text] or [nothing]


def probe(settings: Mapping[str, Any], account: str) -> Report:
    """Asks all questions. Raises AirbyteTracedException if the settings, a key or a host are refused."""
    ask = Asker(settings)
    asked = [each for each in PROVIDERS if ask.reads(each.first_asked[0])]
    for provider in asked:
        for stream in provider.first_asked:
            ask.answer(stream, ask.today, ask.today)
    lines = [Line(each.name, question, _verdict(ask, question)) for each in asked for question in each.questions]
    return Report(account, ask.requests, lines)


def _verdict(ask: Asker, question: Question) -> Verdict:
    try:
        return question.read(ask)
    except Untold as reason:
        return Verdict(f"{CANNOT_TELL}: {reason}")
    except AirbyteTracedException:
        return Verdict(f"{CANNOT_TELL}: the request was refused, or got no good answer")
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # A shape that nobody foresaw costs a line of the report, and not the report.
        return Verdict(f"{CANNOT_TELL}: the answer has a shape that the question does not know")


def write(report: Report, folder: Path) -> None:
    (folder / "probe-report.md").write_text(report.as_page(), encoding="utf-8")
    (folder / "probe-report.json").write_text(json.dumps(report.as_json(), indent=2) + "\n", encoding="utf-8")


def main(config: Path = CONFIG, folder: Path = REPOSITORY) -> None:
    try:
        if config.exists():
            report = probe(read_config(str(config)), "an account")
        else:
            print("No secrets/config.json: asking the invented accounts of the sandbox.", flush=True)
            with Sandbox() as sandbox:
                report = probe(sandbox.config(), "the sandbox")
    except AirbyteTracedException as error:
        sys.exit(error.message)
    write(report, folder)
    print(f"{report.requests} requests; probe-report.md and probe-report.json can be published.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
