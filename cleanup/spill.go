package cleanup

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// spill is a file of records that outgrow memory. Its name is removed as soon
// as it is open, and its text is encrypted (AES-128-CTR) under a key that this
// process alone has, so that nothing can be read of it whatever happens.
type spill struct {
	file   *os.File
	block  cipher.Block
	iv     [aes.BlockSize]byte
	buffer *bufio.Writer
	size   [binary.MaxVarintLen64]byte
}

const spillBuffer = 64 << 10

// newSpill makes one in a folder; "" is the system's for temporary files.
func newSpill(folder string) (*spill, error) {
	file, err := os.CreateTemp(folder, ".vneid-proxy-cleanup-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("cleanup: no folder for working files: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s := &spill{file: file}
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails, crypto/rand
	_, _ = rand.Read(s.iv[:])
	if s.block, err = aes.NewCipher(key[:]); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s.buffer = bufio.NewWriterSize(cipher.StreamWriter{S: cipher.NewCTR(s.block, s.iv[:]), W: file}, spillBuffer)
	return s, nil
}

// put appends a record.
func (s *spill) put(record []byte) error {
	n := binary.PutUvarint(s.size[:], uint64(len(record)))
	if _, err := s.buffer.Write(s.size[:n]); err != nil {
		return fmt.Errorf("cleanup: no room in the folder for working files: %w", err)
	}
	if _, err := s.buffer.Write(record); err != nil {
		return fmt.Errorf("cleanup: no room in the folder for working files: %w", err)
	}
	return nil
}

// read returns a reader of all records from the first on. Nothing may be put
// after it.
func (s *spill) read() (*spillReader, error) {
	if err := s.buffer.Flush(); err != nil {
		return nil, fmt.Errorf("cleanup: no room in the folder for working files: %w", err)
	}
	s.buffer = bufio.NewWriterSize(nil, 16) // its memory is not needed any more
	from := io.NewSectionReader(s.file, 0, 1<<62)
	return &spillReader{text: bufio.NewReaderSize(cipher.StreamReader{S: cipher.NewCTR(s.block, s.iv[:]), R: from}, spillBuffer)}, nil
}

func (s *spill) close() error { return s.file.Close() }

type spillReader struct {
	text   *bufio.Reader
	record []byte
}

// next returns a record that is good until the following call; io.EOF after
// the last.
func (r *spillReader) next() ([]byte, error) {
	size, err := binary.ReadUvarint(r.text)
	if err != nil {
		return nil, err
	}
	if uint64(cap(r.record)) < size {
		r.record = make([]byte, size)
	}
	r.record = r.record[:size]
	if _, err := io.ReadFull(r.text, r.record); err != nil {
		return nil, fmt.Errorf("cleanup: a working file is cut off: %w", err)
	}
	return r.record, nil
}
