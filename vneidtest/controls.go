package vneidtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// ErrKnob says that a knob does not exist or does not take the value.
var ErrKnob = errors.New("vneidtest: no such knob or value")

// Controls is how a test steers a simulator and what it can ask of it. It is
// safe for use while the simulator serves.
type Controls struct {
	personas []Persona
	knobs    map[string]knobKind // every knob that exists; not written after construction

	mu     sync.Mutex
	turned map[string]string // knob → value, for those not at rest
	calls  map[string]int    // endpoint → calls so far
}

type knobKind int

const (
	knobSwitch knobKind = iota
	knobDuration
	knobNumber
)

// newControls knows four fault knobs for each endpoint, and the extra ones.
// Nil personas means [Personas].
func newControls(personas []Persona, endpoints []string, extra map[string]knobKind) *Controls {
	if personas == nil {
		personas = Personas()
	}
	knobs := map[string]knobKind{}
	maps.Copy(knobs, extra)
	for _, e := range endpoints {
		knobs[e+"_slow"] = knobDuration
		knobs[e+"_down"], knobs[e+"_garbage"], knobs[e+"_huge"] = knobSwitch, knobSwitch, knobSwitch
	}
	return &Controls{personas: personas, knobs: knobs, turned: map[string]string{}, calls: map[string]int{}}
}

// Set turns a knob; the package comment lists them. "off", "0" and "" turn it
// back. An unknown knob, or a value it does not take, is [ErrKnob] and changes
// nothing.
func (c *Controls) Set(knob, value string) error {
	return c.set(map[string]string{knob: value}, false)
}

// Reset turns every knob back. Counts stay.
func (c *Controls) Reset() { _ = c.set(nil, true) }

// Calls is how many requests an endpoint has had, those it failed included.
func (c *Controls) Calls(endpoint string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[endpoint]
}

func (c *Controls) count(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[name]++
}

func (c *Controls) set(values map[string]string, reset bool) error {
	for knob, value := range values {
		if err := c.check(knob, value); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if reset {
		clear(c.turned)
	}
	for knob, value := range values {
		if atRest(value) {
			delete(c.turned, knob)
		} else {
			c.turned[knob] = value
		}
	}
	return nil
}

func (c *Controls) check(knob, value string) error {
	kind, known := c.knobs[knob]
	var err error
	switch {
	case !known:
		err = errors.New("unknown")
	case atRest(value):
	case kind == knobDuration:
		_, err = time.ParseDuration(value)
	case kind == knobNumber:
		_, err = strconv.Atoi(value)
	case value != "on" && value != "true" && value != "1":
		err = errors.New("want on or off")
	}
	if err != nil {
		return fmt.Errorf("%w: %q=%q: %w", ErrKnob, knob, value, err)
	}
	return nil
}

func atRest(value string) bool {
	return value == "" || value == "off" || value == "false" || value == "0"
}

func (c *Controls) value(knob string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.turned[knob]
}

// duration is zero at rest.
func (c *Controls) duration(knob string) time.Duration {
	d, _ := time.ParseDuration(c.value(knob)) // it was checked when it was turned
	return d
}

func (c *Controls) on(knob string) bool { return c.value(knob) != "" }

func (c *Controls) mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /personas.json", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, c.personas)
	})
	mux.HandleFunc("GET /sim/knobs", c.showKnobs)
	// A page of another site has no business turning knobs of somebody's demo.
	mux.Handle("POST /sim/knobs", http.NewCrossOriginProtection().Handler(http.HandlerFunc(c.turnKnobs)))
}

func (c *Controls) showKnobs(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	turned := maps.Clone(c.turned)
	c.mu.Unlock()
	writeJSON(w, http.StatusOK, turned)
}

func (c *Controls) turnKnobs(w http.ResponseWriter, r *http.Request) {
	values, err := knobValues(w, r)
	if err == nil {
		reset := !atRest(values["reset"])
		delete(values, "reset")
		err = c.set(values, reset)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	c.showKnobs(w, r)
}

func knobValues(w http.ResponseWriter, r *http.Request) (map[string]string, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	values := map[string]string{}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		var members map[string]any
		if err := json.NewDecoder(r.Body).Decode(&members); err != nil {
			return nil, err
		}
		for knob, value := range members {
			values[knob] = fmt.Sprint(value)
		}
		return values, nil
	}
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	for knob := range r.PostForm {
		values[knob] = r.PostForm.Get(knob)
	}
	return values, nil
}
