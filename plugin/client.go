package plugin

import "out_sls_kafka/plugin/config"

// recordOverhead is the room left in a batch for the framing of the largest
// record: lengths, timestamp and offset delta, and the batch header.
const recordOverhead = 4096

// batchBytes is the largest batch, uncompressed. A single record of
// max_message_bytes must fit.
func batchBytes(c *config.Config) int { return c.MaxMessageBytes + len(c.MessageKey) + recordOverhead }

// acks is required_acks as a produce request has it.
func acks(c *config.Config) int16 {
	if c.RequiredAcks == config.AcksAll {
		return -1
	}
	return 1
}

// renew makes connections again whose credentials are not those of
// credentials_file any more.
func (o *Output) renew() {
	if o.sessions.Renew() {
		o.log.Infof("credentials_file %s has changed: connecting anew with what it holds now", o.cfg.CredentialsFile)
	}
}
