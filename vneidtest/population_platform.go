package vneidtest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// PlatformConfig is the national platform's way to the population database:
// SOAP, with a signature over the time. The zero value leaves it out.
type PlatformConfig struct {
	URL    string // the service's address as callers write it into the signature; required
	User   string // required
	Secret string // required
	Client string // X-Road-Client; "" does not ask for it, as older platforms do not
	APIKey string // ApiKey; likewise
	// Unit of the header Timestamp: [time.Millisecond], the default, or
	// [time.Second].
	Unit time.Duration
}

func (c PlatformConfig) check() error {
	if c == (PlatformConfig{}) {
		return nil
	}
	if c.URL == "" || c.User == "" || c.Secret == "" {
		return errors.New("vneidtest: population: Platform wants URL, User and Secret")
	}
	if c.Unit != 0 && c.Unit != time.Second && c.Unit != time.Millisecond {
		return errors.New("vneidtest: population: Platform.Unit is a second or a millisecond")
	}
	return nil
}

// maxSkew is how far Timestamp may be from the platform's own time.
const maxSkew = 5 * time.Minute

// soap is the SOAP form: both operations on one path.
func (p *Population) soap(w http.ResponseWriter, r *http.Request) {
	sent, err := p.signed(r)
	if err != nil {
		writeXML(w, http.StatusUnauthorized, fault(refusal{text: "Không có quyền truy cập"}))
		return
	}
	now := p.now().Add(p.duration("population_clock_skew"))
	if sent.Before(now.Add(-maxSkew)) || sent.After(now.Add(maxSkew)) {
		p.writeFault(w, refusal{text: "Timestamp ngoài khoảng thời gian cho phép"})
		return
	}
	p.answerSOAP(w, r)
}

// signed checks the headers and returns the time that they were made at.
func (p *Population) signed(r *http.Request) (time.Time, error) {
	stamp := r.Header.Get("Timestamp")
	ticks, err := strconv.ParseInt(stamp, 10, 64)
	user, hash, _ := r.BasicAuth()
	sum := sha256.Sum256([]byte(p.platform.URL + p.platform.User + stamp + p.platform.Secret))
	switch {
	case err != nil,
		user != p.platform.User, !secretEqual(hash, hex.EncodeToString(sum[:])),
		p.platform.Client != "" && r.Header.Get("X-Road-Client") != p.platform.Client,
		p.platform.APIKey != "" && !secretEqual(r.Header.Get("ApiKey"), p.platform.APIKey):
		return time.Time{}, errUnknown
	case p.platform.Unit == time.Second:
		return time.Unix(ticks, 0), nil
	}
	return time.UnixMilli(ticks), nil
}

// answerSOAP reads a SOAP request, whose SOAPAction is empty, and answers it.
func (p *Population) answerSOAP(w http.ResponseWriter, r *http.Request) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	action, ok := r.Header["Soapaction"]
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	var asked question
	if err == nil {
		asked, err = parseSOAP(body)
	}
	if err != nil || kind != "application/xml" && kind != "text/xml" || !ok || action[0] != "" && action[0] != `""` {
		p.writeFault(w, refusal{text: "Yêu cầu không hợp lệ"})
		return
	}
	answer, refused := p.answer(asked)
	if refused != nil {
		p.writeFault(w, *refused)
		return
	}
	writeXML(w, http.StatusOK, p.lied(reply(answer)))
}

// lied puts a document type before an envelope where the knob says so.
func (p *Population) lied(envelope []byte) []byte {
	if !p.on("xml_doctype") {
		return envelope
	}
	return append([]byte(`<!DOCTYPE x [<!ENTITY e "e">]>`), envelope[len(`<?xml version="1.0" encoding="UTF-8"?>`):]...)
}

// writeFault answers 500, as SOAP 1.1 wants of a fault (section 6.2).
func (p *Population) writeFault(w http.ResponseWriter, why refusal) {
	writeXML(w, http.StatusInternalServerError, fault(why))
}

func writeXML(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
