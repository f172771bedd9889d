package main

import (
	"testing"

	"vneid-proxy/vneidtest"
)

// populationWay is a POPULATION_PROFILE.
type populationWay string

func populationWays() []populationWay {
	return []populationWay{"json", "ndxp", "ndxp-plain", "lgsp-bearer", "lgsp-keys", "lgsp-string"}
}

const (
	populationProcedure = "1.009999"
	populationOfficial  = "099080000001"
)

// populationConfig opens every way at once.
func populationConfig(address string, people []vneidtest.Persona) vneidtest.PopulationConfig {
	return vneidtest.PopulationConfig{
		Token: "population-token", Personas: people,
		Platform: vneidtest.PlatformConfig{URL: address + "/soap", User: "dvc", Secret: "population-secret"},
		Province: vneidtest.ProvinceConfig{
			Token: "population-token", User: "can.bo", Password: "population-password",
			Keys: vneidtest.LGSPKeys{AccessKey: "population-access", SecretKey: "population-secret", AppName: "dvc", PartnerCode: "099.1"},
		},
		Procedures: []string{populationProcedure}, Officials: []string{populationOfficial},
	}
}

// endpoint is the simulator's name for where the way leads.
func (w populationWay) endpoint() string {
	return map[populationWay]string{
		"": "match", "json": "match", "ndxp": "soap", "ndxp-plain": "soap", "lgsp-bearer": "lgsp_json", "lgsp-keys": "lgsp_soap", "lgsp-string": "lgsp_text",
	}[w]
}

// environ is what configures the way; a record lookup can be had by adding
// POPULATION_LOOKUP.
func (w populationWay) environ(address string) map[string]string {
	if w == "" || w == "json" {
		return nil
	}
	env := map[string]string{
		"POPULATION_PROFILE": string(w), "POPULATION_PROCEDURE": populationProcedure, "POPULATION_OFFICIAL": populationOfficial,
	}
	add := func(pairs ...string) {
		for i := 0; i < len(pairs); i += 2 {
			env["POPULATION_"+pairs[i]] = pairs[i+1]
		}
	}
	switch w {
	case "ndxp":
		add("URL", address+"/soap", "TOKEN", "", "USER", "dvc", "SECRET", "population-secret", "API_KEY", "any", "CLIENT", "any")
	case "ndxp-plain":
		add("URL", address+"/soap", "TOKEN", "", "USER", "dvc", "SECRET", "population-secret", "TIMESTAMP", "ms")
	case "lgsp-bearer":
		add("URL", address+"/lgsp/json/XacThucThongTinCongDan")
	case "lgsp-string":
		add("URL", address+"/lgsp/text/XacThucThongTinCongDan")
	case "lgsp-keys":
		add("URL", address+"/lgsp/soap", "TOKEN_URL", address+"/lgsp/token", "TOKEN", "", "USER", "can.bo", "PASSWORD", "population-password",
			"ACCESS_KEY", "population-access", "SECRET", "population-secret", "APP_NAME", "dvc", "PARTNER_CODE", "099.1")
	}
	return env
}

// onEveryPopulationWay runs a journey on each.
func onEveryPopulationWay(t *testing.T, journey func(t *testing.T, w populationWay)) {
	t.Parallel()
	for _, w := range populationWays() {
		t.Run(string(w), func(t *testing.T) {
			t.Parallel()
			journey(t, w)
		})
	}
}
