# One source and one daily connection for each account: examples/self_managed_airbyte.md says how to apply it.

terraform {
  required_version = ">= 1.5"
  required_providers {
    airbyte = {
      source  = "airbytehq/airbyte"
      version = "~> 1.0"
    }
  }
}

provider "airbyte" {
  server_url    = var.server_url
  client_id     = var.client_id
  client_secret = var.client_secret
  token_url     = "${trimsuffix(var.server_url, "/")}/applications/token"
}

variable "server_url" {
  description = "The address of the API of your Airbyte, with its path: https://airbyte.example.com/api/public/v1/"
  type        = string
}

variable "client_id" {
  description = "Client ID of an application: User > User settings > Applications."
  type        = string
}

variable "client_secret" {
  description = "Client secret of the same application."
  type        = string
  sensitive   = true
}

variable "workspace_id" {
  description = "ID of the workspace, from the address bar of the UI."
  type        = string
}

variable "destination_id" {
  description = "ID of the destination of all accounts. The schema of each is sms_ and its name."
  type        = string
}

variable "accounts" {
  description = "Your name of each account -> the providers of its keys, and its settings without the keys."
  type        = any
  # {
  #   shop    = { providers = ["seven"], settings = { start_date = "2026-01-01" } }
  #   finance = { providers = ["seven", "smsfactor"], settings = { start_date = "2025-01-01", countries = ["DE", "FR"] } }
  # }
}

variable "keys" {
  description = "The same names -> seven_api_key, smsfactor_api_token, or both."
  type        = map(map(string))
  sensitive   = true
}

locals {
  streams = {
    seven = [
      "balance",
      "pricing",
      "analytics",
      "analytics_by_country",
      "analytics_by_label",
      "analytics_by_subaccount",
    ]
    smsfactor = [
      "credits",
      "consumption",
    ]
  }
}

resource "airbyte_source_definition" "sms_providers" {
  workspace_id      = var.workspace_id
  name              = "SMS Providers"
  docker_repository = "ghcr.io/your_organization/source-sms-providers"
  docker_image_tag  = "0.4.0"
  documentation_url = "https://github.com/your_organization/source-sms-providers/blob/main/docs/integrations/sources/sms-providers.md"
}

resource "airbyte_source" "account" {
  for_each = var.accounts

  workspace_id  = var.workspace_id
  definition_id = airbyte_source_definition.sms_providers.id
  name          = "SMS account ${each.key}"
  configuration = jsonencode(merge(each.value.settings, var.keys[each.key]))
}

resource "airbyte_connection" "account" {
  for_each = var.accounts

  name           = "SMS account ${each.key}"
  source_id      = airbyte_source.account[each.key].source_id
  destination_id = var.destination_id

  # A schema for each account: in a shared one, rows of one account would replace rows of another.
  namespace_definition = "custom_format"
  namespace_format     = "sms_${each.key}"

  # Spread over an hour, so that not all pods start at once.
  schedule = {
    schedule_type   = "cron"
    cron_expression = "0 ${parseint(substr(md5(each.key), 0, 8), 16) % 60} 6 * * ? UTC"
  }
  configurations = {
    streams = [
      for name in flatten([for provider in each.value.providers : local.streams[provider]]) : {
        name      = name
        sync_mode = "incremental_deduped_history"
      }
    ]
  }
}
