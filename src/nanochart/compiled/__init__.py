"""What compiled loops share: options, memory, vector lanes, neighbour lists, random numbers."""
