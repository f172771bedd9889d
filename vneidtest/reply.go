package vneidtest

import (
	"bytes"
	"encoding/json"
	"html/template"
	"io/fs"
	"net/http"
	"path"
)

// writeJSON answers with v. A value that cannot be encoded is a mistake in
// this package and answers 500.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "cannot encode", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// pages are the HTML pages of one simulator: a layout around one file each.
type pages map[string]*template.Template

func newPages(files fs.FS, dir string) (pages, error) {
	names, err := fs.Glob(files, path.Join(dir, "*.html"))
	if err != nil {
		return nil, err
	}
	all := pages{}
	layout := path.Join(dir, "layout.html")
	for _, name := range names {
		if name == layout {
			continue
		}
		page, err := template.ParseFS(files, layout, name)
		if err != nil {
			return nil, err
		}
		all[path.Base(name)] = page
	}
	return all, nil
}

// render answers with a whole page or, if it fails, with none of it.
func (p pages) render(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	page, ok := p[name]
	if !ok || page.ExecuteTemplate(&b, "layout.html", data) != nil {
		http.Error(w, "cannot render", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}
