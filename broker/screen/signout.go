package screen

// SignOut asks whether to sign out: no address alone ends a session. It posts
// to sign-out.
type SignOut struct {
	CSRF     string
	ReturnTo string // for those who stay; "" is the portal's start
}

func (SignOut) template() string   { return "sign-out" }
func (p SignOut) returnTo() string { return p.ReturnTo }

// SignedOut says that the session has ended here.
type SignedOut struct {
	Everywhere bool // at the provider too
}

func (SignedOut) template() string { return "signed-out" }
