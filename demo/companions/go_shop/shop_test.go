package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// served is the shop on the database of SHOP_DSN, and what it logs.
func served(t *testing.T) (*httptest.Server, *bytes.Buffer) {
	t.Helper()
	var told bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&told, nil))
	db, err := open(os.Getenv("SHOP_DSN"), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.PingContext(context.Background()); err != nil {
		t.Fatalf("these tests need a database with db/migrations, named by SHOP_DSN: %v", err)
	}
	server := httptest.NewServer(handler(db, log))
	t.Cleanup(server.Close)
	return server, &told
}

func ask(t *testing.T, method, url, body string) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Request-Id", "of-the-test")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var found map[string]any
	if err := json.NewDecoder(response.Body).Decode(&found); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, found
}

func TestAnOrderIsPlacedAndRead(t *testing.T) {
	server, told := served(t)
	code, placed := ask(t, "POST", server.URL+"/orders", `{"customer_id": 1, "total_cents": 1250, "note": "ring twice"}`)
	if code != http.StatusCreated {
		t.Fatalf("placing an order: %d %v", code, placed)
	}
	id, _ := json.Marshal(placed["id"])
	code, order := ask(t, "GET", server.URL+"/orders/"+string(id), "")
	if code != http.StatusOK || order["note"] != "ring twice" || order["customer"] != "Ada" {
		t.Errorf("reading it: %d %v", code, order)
	}
	if line := `"request_id":"of-the-test","query":"PlaceOrder"`; !strings.Contains(told.String(), line) {
		t.Errorf("the log has no %s: %s", line, told)
	}
}

func TestAPageIsBounded(t *testing.T) {
	server, _ := served(t)
	code, page := ask(t, "GET", server.URL+"/orders?limit=1000000", "")
	if orders, ok := page["orders"].([]any); code != http.StatusOK || !ok || len(orders) > mostOrders {
		t.Errorf("a page of a million orders: %d, %d orders", code, len(orders))
	}
	if code, _ := ask(t, "GET", server.URL+"/orders?limit=none", ""); code != http.StatusBadRequest {
		t.Errorf("a limit that is no number: %d", code)
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	server, _ := served(t)
	for _, id := range []string{"0", "x"} {
		if code, _ := ask(t, "GET", server.URL+"/orders/"+id, ""); code != http.StatusNotFound {
			t.Errorf("order %s: %d", id, code)
		}
	}
}

func TestThePoolIsExported(t *testing.T) {
	server, _ := served(t)
	response, err := http.Get(server.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var page bytes.Buffer
	if _, err := page.ReadFrom(response.Body); err != nil {
		t.Fatal(err)
	}
	for _, series := range []string{"in_use_connections", "idle_connections", "wait_count_total"} {
		if !strings.Contains(page.String(), `go_sql_`+series+`{db_name="shop"}`) {
			t.Errorf("no go_sql_%s", series)
		}
	}
}
