// Package documents keeps JSON documents in PostgreSQL as the original keeps them in MongoDB, which Debian does not package
// for riscv64: a database is a schema, a collection a table with one jsonb column, and documents are found by the text of
// their fields.
package documents

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"

	"github.com/lib/pq"
)

// Database holds collections.
type Database struct {
	sql    *sql.DB
	schema string
}

// Open connects to the server at addr (host:port) and makes the database if it is not there.
func Open(ctx context.Context, addr, name string) (*Database, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("database address %q: %w", addr, err)
	}
	server, err := sql.Open("postgres", fmt.Sprintf("host=%s port=%s user=postgres sslmode=disable", host, port))
	if err != nil {
		return nil, err
	}
	database := &Database{sql: server, schema: pq.QuoteIdentifier(name)}
	if _, err := server.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+database.schema); err != nil {
		return nil, fmt.Errorf("database at %s: %w", addr, err)
	}
	return database, nil
}

// Collection is a list of documents.
type Collection struct {
	sql   *sql.DB
	table string
}

// Collection returns the collection of that name, which is made if it is not there.
func (d *Database) Collection(ctx context.Context, name string) (*Collection, error) {
	collection := &Collection{sql: d.sql, table: d.schema + "." + pq.QuoteIdentifier(name)}
	return collection, collection.exec(ctx, "CREATE TABLE IF NOT EXISTS %s (document jsonb NOT NULL)")
}

// Empty returns the collection of that name without the documents that it had.
func (d *Database) Empty(ctx context.Context, name string) (*Collection, error) {
	table := d.schema + "." + pq.QuoteIdentifier(name)
	if _, err := d.sql.ExecContext(ctx, "DROP TABLE IF EXISTS "+table); err != nil {
		return nil, err
	}
	return d.Collection(ctx, name)
}

// exec runs a statement that names the table once.
func (c *Collection) exec(ctx context.Context, statement string, values ...any) error {
	_, err := c.sql.ExecContext(ctx, fmt.Sprintf(statement, c.table), values...)
	return err
}

// index makes an index on a field.
func (c *Collection) index(ctx context.Context, field string) error {
	return c.exec(ctx, fmt.Sprintf("CREATE INDEX ON %%s ((document->>%s))", pq.QuoteLiteral(field)))
}

// Insert adds a document.
func (c *Collection) Insert(ctx context.Context, document any) error {
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return c.exec(ctx, "INSERT INTO %s VALUES ($1)", string(text))
}

// InsertAll adds the documents of a list, in one statement.
func (c *Collection) InsertAll(ctx context.Context, list any) error {
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return c.exec(ctx, "INSERT INTO %s SELECT jsonb_array_elements($1)", string(text))
}

// Refill opens a database and returns its collection of that name, emptied, seeded and indexed.
func Refill[T any](ctx context.Context, addr, database, name, field string, value func(T) string, documents []T) (*Collection, error) {
	opened, err := Open(ctx, addr, database)
	if err != nil {
		return nil, err
	}
	collection, err := opened.Empty(ctx, name)
	if err != nil {
		return nil, err
	}
	return collection, Seed(ctx, collection, field, value, documents)
}

// Seed adds the documents whose field has a value that no document of the collection has, looking for each anew, and then
// makes an index on the field: so the original fills its collections.
func Seed[T any](ctx context.Context, c *Collection, field string, value func(T) string, documents []T) error {
	same, err := c.Query(ctx, field)
	if err != nil {
		return err
	}
	for _, document := range documents {
		found, err := Find[T](ctx, same, value(document))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			if err := c.Insert(ctx, document); err != nil {
				return err
			}
		}
	}
	return c.index(ctx, field)
}

// Query is a prepared search.
type Query struct {
	statement *sql.Stmt
}

// Query prepares a search for documents by fields; without fields it finds all.
func (c *Collection) Query(ctx context.Context, fields ...string) (*Query, error) {
	text := "SELECT document FROM " + c.table
	for i, field := range fields {
		word := " AND "
		if i == 0 {
			word = " WHERE "
		}
		text += fmt.Sprintf("%sdocument->>%s = $%d", word, pq.QuoteLiteral(field), i+1)
	}
	return c.prepare(ctx, text)
}

// All returns the documents of the collection.
func All[T any](ctx context.Context, c *Collection) ([]T, error) {
	all, err := c.Query(ctx)
	if err != nil {
		return nil, err
	}
	return Find[T](ctx, all)
}

// QueryOne prepares a search that ends with the first document found.
func (c *Collection) QueryOne(ctx context.Context, field string) (*Query, error) {
	text := fmt.Sprintf("SELECT document FROM %s WHERE document->>%s = $1 LIMIT 1", c.table, pq.QuoteLiteral(field))
	return c.prepare(ctx, text)
}

func (c *Collection) prepare(ctx context.Context, text string) (*Query, error) {
	statement, err := c.sql.PrepareContext(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	return &Query{statement: statement}, nil
}

// Find returns the documents whose fields have these values, in the order of the query's fields.
func Find[T any](ctx context.Context, query *Query, values ...string) ([]T, error) {
	arguments := make([]any, len(values))
	for i, value := range values {
		arguments[i] = value
	}
	rows, err := query.statement.QueryContext(ctx, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []T
	for rows.Next() {
		var text []byte
		var document T
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &document); err != nil {
			return nil, err
		}
		found = append(found, document)
	}
	return found, rows.Err()
}
