"""What compiled loops share: vector lanes, neighbour lists, random numbers, their cache."""
