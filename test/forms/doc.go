// Package forms tests, on a real Fluent Bit, the forms of records that SLS's own applications read: that metrics are what
// Prometheus' own parser makes of the same scrape, and spans what OpenTelemetry's SDK made. It runs the configurations of
// the documents. It is a module of its own, for what it compares with is large.
package forms
