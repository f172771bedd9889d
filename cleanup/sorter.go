package cleanup

import (
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// sorter puts any number of records in the order of their bytes, in memory
// that does not grow: full buffers are sorted and spilled, and merged at the
// end, or sooner where there would be too many.
type sorter struct {
	folder string
	room   int // bytes of records held in memory
	arena  []byte
	places []place
	runs   []*spill
}

// place is where a record lies in the arena; head is its first eight bytes, for
// most comparisons end there.
type place struct {
	head     uint64
	at, size uint32
}

// maxRuns is how many spilled runs are merged at once: each costs a file and a
// buffer.
const maxRuns = 64

func newSorter(folder string, room int) *sorter {
	return &sorter{folder: folder, room: room, arena: make([]byte, 0, room), places: make([]place, 0, room/32)}
}

// add takes a record of eight bytes or more.
func (s *sorter) add(record []byte) error {
	if len(s.arena)+len(record) > s.room && len(s.places) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.places = append(s.places, place{binary.BigEndian.Uint64(record), uint32(len(s.arena)), uint32(len(record))})
	s.arena = append(s.arena, record...)
	return nil
}

func (s *sorter) spill() error {
	slices.SortFunc(s.places, func(a, b place) int {
		if a.head != b.head {
			if a.head < b.head {
				return -1
			}
			return 1
		}
		return bytes.Compare(s.arena[a.at:a.at+a.size], s.arena[b.at:b.at+b.size])
	})
	run, err := newSpill(s.folder)
	if err != nil {
		return err
	}
	s.runs = append(s.runs, run)
	for _, p := range s.places {
		if err := run.put(s.arena[p.at : p.at+p.size]); err != nil {
			return err
		}
	}
	s.places, s.arena = s.places[:0], s.arena[:0]
	if len(s.runs) < maxRuns {
		return nil
	}
	merged, err := newSpill(s.folder)
	if err != nil {
		return err
	}
	err = s.merge(merged.put)
	s.runs = []*spill{merged}
	return err
}

// each calls with all records in order; a record is good during the call alone.
func (s *sorter) each(with func(record []byte) error) error {
	if len(s.places) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.arena, s.places = nil, nil
	return s.merge(with)
}

// merge reads the runs side by side and closes them.
func (s *sorter) merge(with func(record []byte) error) error {
	defer s.close()
	var heads runHeap
	for _, run := range s.runs {
		reader, err := run.read()
		if err != nil {
			return err
		}
		switch record, err := reader.next(); {
		case err == nil:
			heads = append(heads, runHead{record, reader})
		case err != io.EOF:
			return err
		}
	}
	heap.Init(&heads)
	for len(heads) > 0 {
		if err := with(heads[0].record); err != nil {
			return err
		}
		record, err := heads[0].reader.next()
		switch {
		case err == nil:
			heads[0].record = record
			heap.Fix(&heads, 0)
		case err == io.EOF:
			heap.Pop(&heads)
		default:
			return err
		}
	}
	return nil
}

func (s *sorter) close() (err error) {
	for _, run := range s.runs {
		err = errors.Join(err, run.close())
	}
	s.runs = nil
	return err
}

// runHead is the record of a run that comes next.
type runHead struct {
	record []byte
	reader *spillReader
}

type runHeap []runHead

func (h runHeap) Len() int           { return len(h) }
func (h runHeap) Less(i, j int) bool { return bytes.Compare(h[i].record, h[j].record) < 0 }
func (h runHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *runHeap) Push(x any)        { *h = append(*h, x.(runHead)) }
func (h *runHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
