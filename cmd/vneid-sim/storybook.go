package main

import (
	"bytes"
	"html/template"
	"net/http"

	"vneid-proxy/broker/screen"
)

// storybookIndex names every screen in both languages. It is a page for
// whoever works on the screens, and none of the product's.
const storybookIndex = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Storybook</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 44rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #8886; padding: .35rem .5rem; text-align: left }
</style>
<h1>Storybook</h1>
<p>Every screen with invented values. Nothing is sent or kept: a form shows its own screen again, and a way off a screen leads here.</p>
<table>
<thead><tr><th scope="col">screen</th><th scope="col">status</th><th scope="col" lang="vi">tiếng Việt</th><th scope="col">English</th></tr></thead>
<tbody>
{{range .}}<tr><td>{{.Name}}</td><td>{{.Status}}</td><td><a href="/{{.Name}}/?lang=vi" hreflang="vi">vi</a></td><td><a href="/{{.Name}}/?lang=en" hreflang="en">en</a></td></tr>
{{end}}</tbody>
</table>
</html>
`

// newStorybook serves screen.Samples. Each screen has a reserved prefix of its
// own, its name, and is whatever lies below it: so its language switch, which
// leads to a path below the prefix, leads to the same screen.
func newStorybook() (http.Handler, error) {
	samples := screen.Samples()
	var index bytes.Buffer
	page, err := template.New("index").Parse(storybookIndex)
	if err == nil {
		err = page.Execute(&index, samples)
	}
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for _, sample := range samples {
		screens, err := screen.New(screen.Config{
			Prefix: "/" + sample.Name, Organisation: "Cổng dịch vụ công tỉnh Minh Hà",
			ForgotPasswordURL: "/quen-mat-khau", RegisterURL: "/dang-ky",
		})
		if err != nil {
			return nil, err
		}
		mux.Handle("/"+sample.Name+"/static/", screens.Static())
		mux.HandleFunc("/"+sample.Name+"/", func(w http.ResponseWriter, r *http.Request) {
			screens.Write(w, r, sample.Status, sample.Page)
		})
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_, _ = w.Write(index.Bytes()) // whoever went away needs no index
	})
	// What the samples link to is at a portal or the proxy, which are not here.
	mux.Handle("/", http.RedirectHandler("/", http.StatusSeeOther))
	return mux, nil
}
