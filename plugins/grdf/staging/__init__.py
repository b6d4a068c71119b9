"""Raw answers between ``extract`` and ``load``, and files that wait to be sent to GRDF."""
