package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// fileSuffix makes of a secret's name the name of the path it is read from.
const fileSuffix = "_FILE"

// laterNames are variables that the design has and this release has not: they
// are refused in other words than a slip of the pen.
func laterNames() []string {
	return []string{
		"POPULATION_UPDATE_FIELDS", "REDIS_URL",
	}
}

// knownNames is every name that Load takes, without Prefix.
func knownNames() []string {
	var names []string
	for _, v := range variables() {
		names = append(names, v.name)
		if v.secret() {
			names = append(names, v.name+fileSuffix)
		}
	}
	return names
}

// refuseUnknown faults each name under the prefix that is not ours: a slip of
// the pen would otherwise leave a default in force unnoticed.
func refuseUnknown(given map[string]string, faults *Faults) {
	known := knownNames()
	for full := range given {
		name, ours := strings.CutPrefix(full, Prefix)
		if !ours || slices.Contains(known, name) || kubernetesSets(name) {
			continue
		}
		base, file := strings.CutSuffix(name, fileSuffix)
		switch {
		case slices.Contains(laterNames(), name):
			faults.add(full, "comes with a later release; remove it")
		case file && slices.Contains(known, base):
			faults.add(full, "only secrets are read from files; set %s itself", Prefix+base)
		default:
			faults.add(printable(full), "no such variable; did you mean %s?", Prefix+nearest(name, known))
		}
	}
}

// printable keeps a name that holds line breaks or the like from spoiling a
// terminal.
func printable(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// nearest is the known name with the fewest letters to change.
func nearest(name string, known []string) string {
	name = strings.ToUpper(name[:min(len(name), 100)])
	return slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance is Levenshtein's, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// kubernetesSets reports whether a name (without Prefix) has a shape that
// Kubernetes gives to every container beside a Service whose name begins with
// vneid-proxy: *_SERVICE_HOST, *_SERVICE_PORT*, *_PORT, *_PORT_n_TCP*.
func kubernetesSets(name string) bool {
	return regexp.MustCompile(`(^|_)(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_.*)?)?)$`).MatchString(name)
}
