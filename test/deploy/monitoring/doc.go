// Package monitoring tests what deploy/monitoring holds: that every query of the dashboard and of the alert rules asks
// for metrics and labels that a real Fluent Bit with the plugin exports, that the panels show an outage of a real run,
// and that each alert fires when it should and not otherwise. It draws the picture in docs/operate.md too.
package monitoring
