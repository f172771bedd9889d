package vneidtest

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Planted is what a crowd's file holds, counted while it was written.
type Planted struct {
	Accounts   int                       // rows that are accounts
	Unreadable int                       // rows that are none
	States     map[string]map[string]int // where the clean-up stands that has asked nobody, by state and kind of account
	Findings   map[string]int            // accounts by finding
	Groups     map[string]int            // groups of accounts that share something, by finding
	Shared     map[string]int            // accounts in them
}

// WriteCrowd writes a directory of invented people as comma-separated values,
// with the faults of old portals planted among them: the same file for the
// same number of rows, a fault or two in each hundred of each kind. All citizen
// numbers begin with 099 and all ID-card numbers with 990 or 099. The people
// are different from one another up to five million rows, except where planted.
func WriteCrowd(to io.Writer, rows int) (Planted, error) {
	c := crowd{to: bufio.NewWriterSize(to, 1<<16), planted: Planted{
		States: map[string]map[string]int{}, Findings: map[string]int{}, Groups: map[string]int{}, Shared: map[string]int{}}}
	_, _ = fmt.Fprintln(c.to, "id,username,kind,status,citizen_number,citizen_number_verified,id_card_number,name,birth_date,email,phone,roles") // Flush tells
	for i := range rows {
		c.write(i)
	}
	return c.planted, c.to.Flush()
}

// crowd is a file that is being written.
type crowd struct {
	to      *bufio.Writer
	planted Planted
}

// member is one row.
type member struct {
	id, kind, status, number, verified, idCard, name, birthDate, email string
	tail                                                               string // what follows the last field but one
}

// memberOf is the person of a row as they are, with a number that nobody has
// verified.
func memberOf(i int) member {
	const dates, names = 60 * 12 * 27, 4000
	year, serial := 1940+i%60, i/60
	m := member{
		id: fmt.Sprintf("tk-%07d", i), status: "active", verified: "false", kind: "citizen",
		number: fmt.Sprintf("0990%02d%06d", year%100, serial%1_000_000),
		// No two have name and day in common, and nobody is born on 1 January.
		birthDate: fmt.Sprintf("%04d-%02d-%02d", year, 1+i/60%12, 2+i/720%27),
		name:      crowdName((i/dates + i%dates*7) % names),
		email:     fmt.Sprintf("nguoi.%d@thu.example", i), tail: ",",
	}
	switch i / 100 % 20 {
	case 0:
		m.kind = "official"
	case 1:
		m.kind = "organisation"
	}
	return m
}

func crowdName(n int) string {
	family := strings.Fields("Giả Thử Mẫu Vờ Nháp Tạm Phỏng Bịa Nghĩ Tưởng")
	middle := strings.Fields("Văn Thị Đức Minh Ngọc Quang Hữu Thanh Xuân Thu Hồng Kim Bảo Gia Anh Đình Công Như Phương Khánh")
	given := strings.Fields("Một Hai Ba Bốn Năm Sáu Bảy Tám Chín Mười Trăm Nghìn Vạn Triệu Đầu Giữa Cuối Trước Chót Kế")
	return family[n%10] + " " + middle[n/10%20] + " " + given[n/200%20]
}

// write writes a row and counts what it planted there. In a hundred rows each
// place has its fault; what a later one shares with an earlier one, it takes
// from the same hundred.
func (c *crowd) write(i int) {
	m, place, hundred := memberOf(i), i%100, i/100
	like := func(other int) member { return memberOf(hundred*100 + other) }
	state, findings := "ready", []string{}
	found := func(finding ...string) { findings = append(findings, finding...) }
	shares := func(finding string, before, now int) {
		c.planted.Shared[finding] += now
		if before == 0 {
			c.planted.Groups[finding]++
		}
	}
	without := func(text string) { m.number = text }
	switch {
	case place < 30, place == 85 && hundred%10 != 0:
		m.verified, state = "true", "verified"
	case place < 60:
		found("number_unverified")
	case place < 70:
		without("")
		m.idCard, state = fmt.Sprintf("990%06d", hundred*10+place-60), "no_number"
		found("number_missing")
	case place == 70, place == 96, place == 97:
		without(map[int]string{70: m.number + "7", 96: "000000000000", 97: "9.90909E+10"}[place])
		state = "malformed"
		found("number_malformed")
	case place == 71:
		without(m.number[:3] + " " + m.number[3:6] + "." + m.number[6:])
		found("number_untidy", "number_unverified")
	case place == 72, place == 95, place == 98:
		without(map[int]string{72: m.number[1:], 95: m.number[2:], 98: m.number[1:] + ".0"}[place])
		state = "repairable"
		found("number_zeros_lost")
	case place == 73:
		without(fmt.Sprintf("099%06d", hundred))
		state = "repairable"
		found("number_nine_digits")
	case place == 74:
		m.number, m.idCard = "", m.number
		found("number_in_id_card", "number_unverified")
	case place == 75:
		m.birthDate = fmt.Sprintf("%04d%s", 1940+(i+1)%60, m.birthDate[4:])
		m.name += " Sai Năm"
		found("number_unverified", "number_contradicts_year")
	case place == 76:
		m.idCard = "99A12345"
		found("number_unverified", "id_card_malformed")
	case place == 77:
		m.idCard = fmt.Sprintf("99%06d", hundred)
		found("number_unverified", "id_card_zeros_lost")
	case place == 78:
		m.name, state = "", "cannot_ask"
		found("number_unverified", "name_unusable")
	case place == 79:
		m.birthDate, state = "", "cannot_ask"
		found("number_unverified", "birth_date_missing")
	case place == 80:
		m.birthDate, state = "31.02.1990", "cannot_ask"
		found("number_unverified", "birth_date_unreadable")
	case place == 81, place == 82:
		m.email = map[int]string{81: m.id + "@dichvucong.gov.vn", 82: "TechID" + m.id + "@thu.example"}[place]
		m.verified, state = "true", "verified"
		found("mail_placeholder")
	case place == 83:
		m.status, state = "locked", "locked"
		found("number_unverified")
	case place == 84, place == 85: // the person of place 30 once more
		twin := like(30)
		m.number, m.name, m.birthDate = twin.number, twin.name, twin.birthDate
		found("number_unverified")
		if place == 84 {
			shares("duplicate_number", 0, 2)
		} else {
			shares("duplicate_number", 2, 1)
		}
	case place == 86: // the ID card of place 60, somebody else's
		without("")
		m.idCard, state = fmt.Sprintf("990%06d", hundred*10), "no_number"
		found("number_missing")
		shares("shared_id_card", 0, 2)
	case place == 87: // the person of place 31, it seems
		without("")
		m.name, m.birthDate, state = like(31).name, like(31).birthDate, "no_number"
		found("number_missing")
		shares("possible_person", 0, 2)
	case place == 88: // a namesake of place 34, born on the same day
		m.name, m.birthDate = like(34).name, like(34).birthDate
		found("number_unverified")
		if memberOf(i).birthDate[:4] != m.birthDate[:4] {
			found("number_contradicts_year")
		}
	case place == 89: // either of the two
		without("")
		m.name, m.birthDate, state = like(34).name, like(34).birthDate, "no_number"
		found("number_missing")
	case place == 90, place == 91: // two who wrote 1 January
		without("")
		m.name, m.birthDate, state = like(90).name, like(90).birthDate[:4]+"-01-01", "no_number"
		found("number_missing")
	case place == 92: // the id of place 35
		m.id = like(35).id
		found("number_unverified")
		shares("repeated_id", 0, 2)
	case place == 93, place == 94:
		c.planted.Unreadable++
		if place == 93 {
			m.kind = "robot"
		} else {
			m.tail = ""
		}
		c.row(m, i)
		return
	case place == 99:
		m.birthDate = m.birthDate[:4]
		found("number_unverified")
	}
	c.planted.Accounts++
	if c.planted.States[state] == nil {
		c.planted.States[state] = map[string]int{}
	}
	c.planted.States[state][m.kind]++
	for _, finding := range findings {
		c.planted.Findings[finding]++
	}
	c.row(m, i)
}

func (c *crowd) row(m member, i int) {
	_, _ = fmt.Fprintf(c.to, "%s,nguoidung%07d,%s,%s,%s,%s,%s,%s,%s,%s,%s\n", // Flush tells
		m.id, i, m.kind, m.status, m.number, m.verified, m.idCard, m.name, m.birthDate, m.email, m.tail)
}
