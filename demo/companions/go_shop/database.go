package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

const mostConnections = 8

// open gives the pool of the shop's database; it connects when it is first needed.
func open(dsn string, log *slog.Logger) (*sql.DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("SHOP_DSN: %w", err)
	}
	config.Tracer = &tracer{log: log}
	config.RuntimeParams["application_name"] = "shop"
	config.RuntimeParams["statement_timeout"] = "5000"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "10000"
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(mostConnections)
	db.SetMaxIdleConns(mostConnections)
	db.SetConnMaxLifetime(30 * time.Minute)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, nil
}

type contextKey int

const (
	requestKey contextKey = iota
	begunKey
)

type begun struct {
	name string
	at   time.Time
}

// tracer writes down which request sent which statement, and how long that took.
type tracer struct{ log *slog.Logger }

var _ pgx.QueryTracer = (*tracer)(nil)

// TraceQueryStart notes the beginning.
func (t *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, begunKey, begun{queryName(data.SQL), time.Now()})
}

// TraceQueryEnd writes it all down.
func (t *tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	started, ok := ctx.Value(begunKey).(begun)
	request, asked := ctx.Value(requestKey).(string)
	if !ok || !asked {
		return
	}
	t.log.Info("statement", "request_id", request, "query", started.name,
		"milliseconds", time.Since(started.at).Milliseconds(), "error", data.Err)
}

// queryName is what sqlc calls a statement, in the comment before it.
func queryName(statement string) string {
	line, _, _ := strings.Cut(statement, "\n")
	words := strings.Fields(line)
	if len(words) >= 3 && words[0] == "--" && words[1] == "name:" {
		return words[2]
	}
	return ""
}
