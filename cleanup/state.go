package cleanup

import "vneid-proxy/broker/ledger"

// State is where an account stands in the clean-up: each is in exactly one.
type State string

// The states. The first five need nothing more; the last is staff's word that
// nothing more can be done.
const (
	StateLinked     State = "linked"      // the ledger has an active link: the person has done it
	StateVerified   State = "verified"    // the directory marks the number verified
	StateConfirmed  State = "confirmed"   // the population database knows number, name and birth date as one person's
	StateLocked     State = "locked"      // locked or closed: nobody signs in to it
	StateNotMatched State = "not_matched" // the population database says no
	StateReady      State = "ready"       // can be asked about
	StateUnanswered State = "unanswered"  // asked without an answer
	StateCannotAsk  State = "cannot_ask"  // a number without a usable name or birth date
	StateRepairable State = "repairable"  // a number that has lost zeros
	StateMalformed  State = "malformed"
	StateNoNumber   State = "no_number"
	StateHopeless   State = "cannot_be_cleaned"
)

// States lists all, in the order of reports.
func States() []State {
	return []State{StateLinked, StateVerified, StateConfirmed, StateLocked, StateReady, StateUnanswered, StateNotMatched,
		StateCannotAsk, StateRepairable, StateMalformed, StateNoNumber, StateHopeless}
}

// state decides by the reading and by what the ledger holds of the account.
func (f Reading) state(known ledger.Cleaned) State {
	switch {
	case known.Linked:
		return StateLinked
	case known.State == ledger.CleanHopeless:
		return StateHopeless
	case f.Account.Locked:
		return StateLocked
	case f.Account.NumberVerified:
		return StateVerified
	case f.numberState != StateReady:
		return f.numberState
	}
	if _, ok := f.question(); !ok {
		return StateCannotAsk
	}
	switch known.State {
	case ledger.CleanConfirmed:
		return StateConfirmed
	case ledger.CleanNotMatched:
		return StateNotMatched
	case ledger.CleanAsking, ledger.CleanUnanswered:
		return StateUnanswered
	}
	return StateReady
}
