// Shop serves orders out of PostgreSQL, and tells Prometheus how it is.
//
//	SHOP_DSN=postgresql://... SHOP_LISTEN=127.0.0.1:8080 shop
package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if err := run(log); err != nil {
		log.Error("shop stops", "error", err)
		os.Exit(1)
	}
}

func run(log *slog.Logger) error {
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	db, err := open(os.Getenv("SHOP_DSN"), log)
	if err != nil {
		return err
	}
	defer db.Close()
	server := &http.Server{
		Addr:              os.Getenv("SHOP_LISTEN"),
		Handler:           handler(db, log),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       60 * time.Second,
	}
	go func() {
		<-ended.Done()
		within, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(within)
	}()
	log.Info("shop serves", "address", server.Addr, "revision", revision())
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
