package config

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"go.yaml.in/yaml/v3"
)

// Routes is the file ROUTES_FILE: who may ask for what, in order.
// docs/routes.schema.json says the same to editors.
type Routes struct {
	Rules []Route `yaml:"rules"`
}

// Route is one rule. What it means is the proxy's to say; here it is only read.
type Route struct {
	Path    string   `yaml:"path"`
	Exact   string   `yaml:"exact"`
	Methods []string `yaml:"methods"`
	Access  string   `yaml:"access"`
	Needs   struct {
		Standing            []string `yaml:"standing"`
		Kind                []string `yaml:"kind"`
		Role                []string `yaml:"role"`
		AccountLevel        int      `yaml:"account_level"`
		AuthenticationLevel []string `yaml:"authentication_level"`
	} `yaml:"needs"`
	Provider          string   `yaml:"provider"`
	StepUp            bool     `yaml:"step_up"`
	MaxAge            Span     `yaml:"max_age"`
	Prompt            string   `yaml:"prompt"`
	From              Day      `yaml:"from"`
	Until             Day      `yaml:"until"`
	Upstream          Address  `yaml:"upstream"`
	UpstreamHTTP2     bool     `yaml:"upstream_http2"`
	ResponseTimeout   Span     `yaml:"response_timeout"`
	MaxBody           int64    `yaml:"max_body"`
	Headers           []string `yaml:"headers"`
	PassAuthorization bool     `yaml:"pass_authorization"`
}

// Day is a Date in a YAML file.
type Day struct{ Date }

// After is 00:00 of the next day, the zero time when unset.
func (d Day) After() time.Time {
	if d.IsZero() {
		return time.Time{}
	}
	return d.midnight.AddDate(0, 0, 1)
}

// UnmarshalYAML reads 2006-01-02, quoted or not.
func (d *Day) UnmarshalYAML(node *yaml.Node) error {
	if err := d.UnmarshalText([]byte(node.Value)); err != nil {
		return fmt.Errorf("line %d: write the day as 2006-01-02", node.Line)
	}
	return nil
}

// Address is an http or https address with a host and nothing after it.
type Address struct{ URL *url.URL }

// UnmarshalYAML holds the address to its form.
func (a *Address) UnmarshalYAML(node *yaml.Node) error {
	if !isOrigin(node.Value) {
		return fmt.Errorf("line %d: write http:// or https:// with a host and nothing after it", node.Line)
	}
	var err error
	a.URL, err = url.Parse(node.Value)
	return err
}

// Span is a duration in a YAML file, written as Go does: 90s, 5m.
type Span struct{ time.Duration }

// UnmarshalYAML holds the duration to its form; it is positive.
func (s *Span) UnmarshalYAML(node *yaml.Node) (err error) {
	s.Duration, err = time.ParseDuration(node.Value)
	if err != nil || s.Duration <= 0 {
		return fmt.Errorf("line %d: write a duration with its unit (s, m, h)", node.Line)
	}
	return nil
}

// maxFile is far above any list that people write.
const maxFile = 1 << 20

// ReadFile reads one of the files that the configuration names, of 1 MB at
// most.
func ReadFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: longer than 1 MB", name)
	}
	return text, err
}

// ParseRoutes reads the text of ROUTES_FILE: exactly one document, no unknown
// and no repeated names.
func ParseRoutes(text []byte) (routes Routes, err error) {
	err = parseFile(text, &routes, "rules: []")
	return routes, err
}
