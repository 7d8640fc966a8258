"""Airbyte source for the account data of SMS providers: seven.io and SMSFactor."""

from source_sms_providers.source import SourceSmsProviders

__all__ = ["SourceSmsProviders"]
