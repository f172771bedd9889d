package vneidtest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"vneid-proxy/vneidtest"
)

// A simulator is an http.Handler: serve it, then steer it.
func Example() {
	population, err := vneidtest.NewPopulation(vneidtest.PopulationConfig{Token: "secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(population)
	defer server.Close()

	ask := func() {
		r, _ := http.NewRequest(http.MethodPost, server.URL+"/v1/match", strings.NewReader(
			`{"request_id":"1","citizen_number":"099079000245","name":"TRANVANBINH","birth_date":"19791102"}`))
		r.Header.Set("Authorization", "Bearer secret")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer func() { _ = answer.Body.Close() }()
		body, _ := io.ReadAll(answer.Body)
		fmt.Println(answer.StatusCode, strings.TrimSpace(string(body)))
	}
	ask()
	if err := population.Set("match_down", "on"); err != nil {
		fmt.Println(err)
	}
	ask()
	fmt.Println(population.Calls("match"), "calls")
	// Output:
	// 200 {"matched":true}
	// 503 simulated outage
	// 2 calls
}
