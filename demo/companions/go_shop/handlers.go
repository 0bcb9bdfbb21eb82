package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"shop.example/shop/store"
)

const (
	usualPage  = 20
	mostOrders = 100
)

type shop struct {
	db     *sql.DB
	orders *store.Queries
	log    *slog.Logger
}

func handler(db *sql.DB, log *slog.Logger) http.Handler {
	s := &shop{db: db, orders: store.New(db), log: log}
	m := newMetrics(db)
	mux := http.NewServeMux()
	for route, serve := range map[string]http.HandlerFunc{
		"GET /orders":      s.recent,
		"POST /orders":     s.place,
		"GET /orders/{id}": s.order,
		"GET /healthz":     s.alive,
		"GET /readyz":      s.ready,
		"GET /version":     s.version,
	} {
		_, path, _ := strings.Cut(route, " ")
		mux.HandleFunc(route, m.timed(path, serve))
	}
	mux.Handle("GET /metrics", m.page())
	return identified(mux)
}

// identified gives each request an id, its caller's if there is one: statements are traced to it.
func identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if id == "" || len(id) > 64 {
			id = rand.Text()
		}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey, id)))
	})
}

func (s *shop) recent(w http.ResponseWriter, r *http.Request) {
	most := usualPage
	if given := r.URL.Query().Get("limit"); given != "" {
		number, err := strconv.Atoi(given)
		if err != nil || number < 1 {
			s.refuse(w, http.StatusBadRequest, "limit is a number of orders, from 1 on")
			return
		}
		most = min(number, mostOrders)
	}
	orders, err := s.orders.RecentOrders(r.Context(), int32(most))
	s.answer(w, http.StatusOK, map[string]any{"orders": orders}, err)
}

func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		s.refuse(w, http.StatusNotFound, "there is no such order")
		return
	}
	order, err := s.orders.Order(r.Context(), id)
	s.answer(w, http.StatusOK, order, err)
}

func (s *shop) place(w http.ResponseWriter, r *http.Request) {
	var wanted store.PlaceOrderParams
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&wanted); err != nil {
		s.refuse(w, http.StatusBadRequest, "the body is no order")
		return
	}
	id, err := s.orders.PlaceOrder(r.Context(), wanted)
	s.answer(w, http.StatusCreated, map[string]int64{"id": id}, err)
}

func (s *shop) alive(w http.ResponseWriter, _ *http.Request) {
	s.answer(w, http.StatusOK, map[string]string{"status": "ok"}, nil)
}

func (s *shop) ready(w http.ResponseWriter, r *http.Request) {
	if err := s.db.PingContext(r.Context()); err != nil {
		s.refuse(w, http.StatusServiceUnavailable, "the database can't be reached")
		return
	}
	s.alive(w, r)
}

func (s *shop) version(w http.ResponseWriter, _ *http.Request) {
	s.answer(w, http.StatusOK, map[string]string{"sha": revision()}, nil)
}

// revision is the commit that the program was built from.
func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return "unknown"
}

func (s *shop) answer(w http.ResponseWriter, code int, body any, err error) {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		s.refuse(w, http.StatusNotFound, "there is no such order")
	case err != nil:
		s.log.Error("a request failed", "request_id", w.Header().Get("X-Request-Id"), "error", err)
		s.refuse(w, http.StatusInternalServerError, "the shop failed")
	default:
		write(w, code, body)
	}
}

func (s *shop) refuse(w http.ResponseWriter, code int, why string) {
	write(w, code, map[string]string{"error": why})
}

func write(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}
