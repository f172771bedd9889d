package screen

import "time"

// NoticeItem is one thing that happened to an account while nobody looked.
type NoticeItem struct {
	// Event names the text: linked, unlink_asked, unlinked; another one gets
	// general words.
	Event   string
	Account string    // masked
	At      time.Time // when it happened
	Due     time.Time // unlink_asked: when the link ends
}

// Notices tells somebody who has just signed in what they were not told
// before. Its button posts to notices, which goes on to ReturnTo.
type Notices struct {
	Items    []NoticeItem
	Seen     string // names the last of them in the form
	CSRF     string
	ReturnTo string
}

func (Notices) template() string   { return "notices" }
func (p Notices) returnTo() string { return p.ReturnTo }
