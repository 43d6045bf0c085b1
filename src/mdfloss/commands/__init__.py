"""One typed function for each command: options in, library calls, results shown."""
