package cleanup

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The room is far too small, so that runs are spilled, and merged before the
// end too.
func TestSorterSortsWhatMemoryDoesNotHold(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, count := range []int{0, 1, 2, 1000, 20_000} {
		folder := t.TempDir()
		s := newSorter(folder, 2000)
		var want [][]byte
		for range count {
			record := make([]byte, 8+random.IntN(40))
			for i := range record {
				record[i] = byte(random.IntN(3)) // many are equal for long
			}
			want = append(want, record)
			require.NoError(t, s.add(record))
			assert.LessOrEqual(t, len(s.runs), maxRuns)
		}
		slices.SortFunc(want, bytes.Compare)
		var got [][]byte
		require.NoError(t, s.each(func(record []byte) error {
			got = append(got, bytes.Clone(record))
			return nil
		}))
		assert.Equal(t, want, got)
		require.NoError(t, s.close())
		left, err := os.ReadDir(folder)
		require.NoError(t, err)
		assert.Empty(t, left)
	}
}

// What is on disk is not what was put there, and nobody finds it by a name.
func TestSpillIsNamelessAndEncrypted(t *testing.T) {
	folder := t.TempDir()
	s, err := newSpill(folder)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.close()) }()
	secret := []byte("099090012345 Đỗ Thị Thử")
	for range 10_000 {
		require.NoError(t, s.put(secret))
	}
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, left)
	reader, err := s.read()
	require.NoError(t, err)
	info, err := s.file.Stat()
	require.NoError(t, err)
	assert.EqualValues(t, 0o600, info.Mode().Perm())
	text := make([]byte, info.Size())
	_, err = s.file.ReadAt(text, 0)
	require.NoError(t, err)
	assert.Greater(t, len(text), 10_000*len(secret))
	assert.NotContains(t, string(text), "09909")
	assert.NotContains(t, string(text), "Đỗ")
	for range 10_000 {
		record, err := reader.next()
		require.NoError(t, err)
		require.Equal(t, secret, record)
	}
}
