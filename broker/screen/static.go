package screen

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

type asset struct {
	contentType string
	body        []byte
}

// loadAssets names each static file by its content, so that a browser may keep
// it for ever and a new release is seen at once.
func (s *Screens) loadAssets() error {
	s.assets, s.names = map[string]asset{}, map[string]string{}
	for name, contentType := range map[string]string{
		"style.css": "text/css; charset=utf-8",
		"mark.svg":  "image/svg+xml",
	} {
		body, err := files.ReadFile("static/" + name)
		if err != nil {
			return fmt.Errorf("screen: %w", err)
		}
		sum := sha256.Sum256(body)
		extension := path.Ext(name)
		address := s.config.Prefix + "/static/" + strings.TrimSuffix(name, extension) + "." + hex.EncodeToString(sum[:8]) + extension
		s.assets[address], s.names[name] = asset{contentType, body}, address
	}
	return nil
}

// Static serves Prefix/static/name.hash.ext with the full request path, to be
// kept by caches for a year. An unknown name, an old hash included, is 404 and
// not kept; another method than GET and HEAD is 405.
func (s *Screens) Static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		found, ok := s.assets[r.URL.Path]
		switch {
		case !ok:
			h.Set("Cache-Control", "no-store")
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		default:
			h.Set("Content-Type", found.contentType)
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(found.body))
		}
	})
}
