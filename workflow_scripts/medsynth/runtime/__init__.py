"""What every room needs to run: configuration, logging, seeding, devices, the training loop."""
