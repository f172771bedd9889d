package screen

import "strings"

// KeptField is a field of a form that waits to be sent again.
type KeptField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Secret reports a field that nobody may read off the screen.
func (f KeptField) Secret() bool {
	name := strings.ToLower(f.Name)
	for _, part := range []string{"pass", "pwd", "matkhau", "mat_khau", "mat-khau", "otp", "token", "captcha"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// Kept shows a form that met an expired session, to its sender, before it is
// sent again. It posts to unsent, which sends it on to Path.
type Kept struct {
	Path   string
	Fields []KeptField
	Token  string
}

func (Kept) template() string   { return "kept" }
func (p Kept) returnTo() string { return p.Path }
