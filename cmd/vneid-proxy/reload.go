package main

import (
	"bytes"
	"context"
	"slices"
	"time"

	"vneid-proxy/config"
)

// reloadEvery is how often files are looked at. Their text is compared, not
// their time: what a cluster mounts changes by another file taking its place.
const reloadEvery = 2 * time.Second

// reloading is files that change while the process runs. They are used whole
// or not at all: what cannot be used leaves the last good in force.
type reloading struct {
	label   string // in the metrics and the log
	names   []string
	last    [][]byte // what was read last
	missing bool     // the last reading found no file
	use     func(texts [][]byte) error
}

// reload reads files, uses them and watches them from then on.
func (a *app) reload(label string, names []string, use func(texts [][]byte) error) error {
	r := &reloading{label: label, names: names, use: use}
	texts, err := r.read()
	if err == nil {
		r.last, err = texts, use(texts)
	}
	if err != nil {
		return err
	}
	a.watched = append(a.watched, r)
	a.metrics.Reloaded(label, true)
	return nil
}

// watch puts changed files in force until ctx ends. One that cannot be used
// changes nothing but a metric and a line of the log.
func (a *app) watch(ctx context.Context) {
	look := time.NewTicker(reloadEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		for _, r := range a.watched {
			a.look(r)
		}
	}
}

func (a *app) look(r *reloading) {
	texts, err := r.read()
	if err == nil && !r.missing && slices.EqualFunc(texts, r.last, bytes.Equal) || err != nil && r.missing {
		return
	}
	r.missing = err != nil
	if err == nil {
		r.last, err = texts, r.use(texts)
	}
	a.metrics.Reloaded(r.label, err == nil)
	if err != nil {
		a.logger.Warn("a changed file cannot be used; what it said before holds", "file", r.label, "cause", err.Error())
		return
	}
	a.logger.Info("file reloaded", "file", r.label)
}

func (r *reloading) read() (texts [][]byte, err error) {
	for _, name := range r.names {
		text, err := config.ReadFile(name)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}
