package vneidtest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
)

// upload is what the portal says of a file it received; the file is not kept.
type upload struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

func (p *Portal) uploadForm(w http.ResponseWriter, _ *http.Request, who PortalAccount) {
	p.pages.render(w, http.StatusOK, "upload.html", portalPage{Visitor: &who})
}

func (p *Portal) upload(w http.ResponseWriter, r *http.Request, who PortalAccount) {
	got, err := readUpload(r)
	switch {
	case err != nil:
		http.Error(w, "Không đọc được tệp.", http.StatusBadRequest)
	case prefersJSON(r):
		writeJSON(w, http.StatusOK, got)
	default:
		p.pages.render(w, http.StatusOK, "upload.html", portalPage{Visitor: &who, Upload: got})
	}
}

// readUpload hashes the first part named "file" as it streams by.
func readUpload(r *http.Request) (*upload, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("no file")
		}
		if err != nil {
			return nil, err
		}
		if part.FormName() != "file" {
			continue
		}
		hash := sha256.New()
		size, err := io.Copy(hash, part)
		if err != nil {
			return nil, err
		}
		return &upload{part.FileName(), size, hex.EncodeToString(hash.Sum(nil))}, nil
	}
}

// prefersJSON reports whether JSON comes before HTML in Accept.
func prefersJSON(r *http.Request) bool {
	before, _, asked := strings.Cut(strings.ToLower(r.Header.Get("Accept")), "application/json")
	return asked && !strings.Contains(before, "text/html")
}
