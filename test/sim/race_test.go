//go:build race

package sim

// defaultSeeds is fewer with the race detector, which makes a simulation some 15 times slower.
const defaultSeeds = 20
