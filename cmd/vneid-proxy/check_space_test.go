package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCheckOfSpace(t *testing.T) {
	for free, want := range map[uint64]verdict{
		0: stateFault, spaceNone - 1: stateFault, spaceNone: stateWarning, spaceShort - 1: stateWarning, spaceShort: stateOK, 1 << 40: stateOK,
	} {
		assert.Equal(t, want, space(free).State, free)
	}
	assert.Equal(t, "15 MiB are free", space(spaceNone-1).Says)
	free, known := freeSpace(t.TempDir())
	assert.True(t, known)
	assert.NotZero(t, free)
}
