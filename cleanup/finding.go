package cleanup

// Finding is something about one account that staff may want to look at. An
// account can have several.
type Finding string

// The findings, in the order of reports.
const (
	NumberMissing       Finding = "number_missing"          // nothing stands in the citizen number's place
	NumberMalformed     Finding = "number_malformed"        // what stands there is no number, and cannot be made one
	NumberUntidy        Finding = "number_untidy"           // 12 digits with blanks, dots or dashes; read as the number
	NumberZerosLost     Finding = "number_zeros_lost"       // 10 or 11 digits: a numeric column has lost leading zeros
	NumberNineDigits    Finding = "number_nine_digits"      // 9 digits: a CMND, or a number that has lost three zeros
	NumberInIDCard      Finding = "number_in_id_card"       // 12 digits in the CMND's place
	NumberUnverified    Finding = "number_unverified"       // a well-formed number that the directory does not mark verified
	NumberContradicts   Finding = "number_contradicts_year" // digits 4 to 6 name another year of birth; a warning, no proof
	IDCardMalformed     Finding = "id_card_malformed"       // what stands in the CMND's place is none
	IDCardZerosLost     Finding = "id_card_zeros_lost"      // 7 or 8 digits there
	NameUnusable        Finding = "name_unusable"           // no name, or one without the State's form
	BirthDateMissing    Finding = "birth_date_missing"
	BirthDateUnreadable Finding = "birth_date_unreadable"
	MailPlaceholder     Finding = "mail_placeholder" // an address that a program made up
	NumberTwice         Finding = "duplicate_number" // a citizen number on several accounts: one person's
	IDCardShared        Finding = "shared_id_card"   // a CMND on several accounts; not of one person necessarily
	PersonPossible      Finding = "possible_person"  // same name and full birth date, and no number against it
	IDRepeated          Finding = "repeated_id"      // an account id that occurs twice
)

// Findings lists those of single accounts; Duplicates those of groups.
func Findings() []Finding {
	return []Finding{NumberMissing, NumberMalformed, NumberUntidy, NumberZerosLost, NumberNineDigits, NumberInIDCard, NumberUnverified,
		NumberContradicts, IDCardMalformed, IDCardZerosLost, NameUnusable, BirthDateMissing, BirthDateUnreadable, MailPlaceholder}
}

// Duplicates lists the findings that concern several accounts at once.
func Duplicates() []Finding {
	return []Finding{NumberTwice, IDCardShared, PersonPossible, IDRepeated}
}
