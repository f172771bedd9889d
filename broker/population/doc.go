// Package population is the question to the national population database
// (CSDLQG về Dân cư): is there a person of this number, name and birth date,
// and, where the operator allows it, which ID-card number (CMND) is theirs.
//
// A profile is a transport (how the request travels and is authenticated)
// times a message (what the body says). A match answers yes or no, never which
// part was wrong. A record lookup is read for the ID-card number alone; the
// rest of the record is dropped while it is parsed.
//
// Every question waits for its turn: so many a second, at once and a day as
// agreed with the State, people before work that nobody waits for. A circuit
// breaker keeps a dead service from costing every visitor the whole deadline.
package population
