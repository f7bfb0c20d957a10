"""How busy a job keeps the machine that it runs on."""
