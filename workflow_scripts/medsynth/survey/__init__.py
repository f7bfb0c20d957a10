"""What lies in folders of downloads, and the configuration that fits it."""
