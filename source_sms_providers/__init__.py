"""Airbyte source for the account data of SMS providers: seven.io and SMSFactor."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from source_sms_providers.source import SourceSmsProviders

__all__ = ["SourceSmsProviders"]


def __getattr__(name: str) -> Any:
    # Not imported above: `run.py` has something to do before the CDK is.
    if name == "SourceSmsProviders":
        from source_sms_providers.source import SourceSmsProviders

        return SourceSmsProviders
    raise AttributeError(name)
