from source_sms_providers.run import run

run()
