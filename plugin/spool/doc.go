// Package spool keeps chunks in files of one directory until they are delivered. What
// Append has stored outlives the process and the machine: it is synced before Append
// returns.
//
// The format is that of docs/design.md: segments, numbered from the oldest on, each a header
// and entries one after another. An entry has a checksum of its header, one of its
// bytes, and a mark that it is done. A segment is deleted when all its entries are done.
// Entries are done in any order; nothing is ever dropped to make room.
//
// The package knows neither Fluent Bit nor Kafka.
package spool
