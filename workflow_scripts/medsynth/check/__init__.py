"""What is wrong with a configuration and the data that it names, told before anything is run."""
