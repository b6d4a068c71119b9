"""Raw answers of ADICT on their way from ``extract`` to ``load``."""
