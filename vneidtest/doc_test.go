package vneidtest

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestEveryKnobIsDocumented reads the package comment, which names a fault of
// an endpoint by <endpoint>_fault and a lie of the encrypted wire by its end.
func TestEveryKnobIsDocumented(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, word := range regexp.MustCompile(`[a-z0-9_]+`).FindAllString(string(text), -1) {
		named[word] = true
	}
	v, err := NewVNeID(VNeIDConfig{Issuer: "http://localhost:1", Clients: []Client{{ID: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	population, err := NewPopulation(PopulationConfig{Token: "a"})
	if err != nil {
		t.Fatal(err)
	}
	portal, err := NewPortal(PortalConfig{CredentialToken: "a"})
	if err != nil {
		t.Fatal(err)
	}
	faults := regexp.MustCompile(`_(slow|down|garbage|huge)$`)
	for _, controls := range []*Controls{v.Controls, population.Controls, portal.Controls} {
		for knob := range controls.knobs {
			known := named[knob] || named[faults.ReplaceAllString(knob, "_fault")]
			for _, place := range seals() {
				end, ok := strings.CutPrefix(knob, place)
				known = known || ok && named[end]
			}
			if !known {
				t.Errorf("knob %s is not in the package comment", knob)
			}
		}
	}
}
