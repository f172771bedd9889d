// Package population is the question to the national population database
// (CSDLQG về Dân cư): is there a person of this number, name and birth date?
//
// It is match-only: the answer is yes or no, never which part was wrong and
// never a record. A circuit breaker keeps a dead service from costing every
// visitor the whole deadline.
package population
