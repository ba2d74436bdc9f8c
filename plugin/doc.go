// Package plugin is everything between a chunk of Fluent Bit's bytes and the
// broker that acknowledges its records: configuration, the Kafka client, the
// life of a chunk, what is said to the operator. It is plain Go: the exported
// C functions that Fluent Bit calls live in package main.
//
// The guarantee: a chunk is done only when every record in it was acknowledged
// by the broker, or was refused permanently, counted, logged and, where
// dead_letter_file is set, kept there. Nothing here waits on a thread of
// Fluent Bit.
package plugin
