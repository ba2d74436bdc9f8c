package encoder

import (
	"errors"
	"fmt"
)

// checkOptions returns all that is wrong with options.
func checkOptions(o Options) error {
	var errs []error
	if o.Format > FormatRaw {
		errs = append(errs, fmt.Errorf("encoder: Format %d is unknown; allowed are FormatJSON and FormatRaw", o.Format))
	}
	if o.Format == FormatRaw && o.RawKey == "" {
		errs = append(errs, errors.New("encoder: FormatRaw needs RawKey, the name of the field that is the record"))
	}
	if o.TimeFormat > TimeEpochNanos {
		errs = append(errs, fmt.Errorf("encoder: TimeFormat %d is unknown; allowed are TimeISO8601, TimeEpoch, TimeEpochMillis and TimeEpochNanos", o.TimeFormat))
	}
	if o.Metrics > MetricsStore {
		errs = append(errs, fmt.Errorf("encoder: Metrics %d is unknown; allowed are MetricsJSON and MetricsStore", o.Metrics))
	}
	if o.Oversize > OversizeTruncate {
		errs = append(errs, fmt.Errorf("encoder: Oversize %d is unknown; allowed are OversizeReject and OversizeTruncate", o.Oversize))
	}
	if o.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("encoder: MaxBytes is %d; allowed are 0 (no limit) and more", o.MaxBytes))
	}
	added := []struct{ option, key string }{
		{"TimeKey", o.TimeKey}, {"RecordIDKey", o.RecordIDKey}, {"TagKey", o.TagKey}, {"MetadataKey", o.MetadataKey}, {"GroupKey", o.GroupKey},
	}
	for i, a := range added {
		for _, b := range added[:i] {
			if a.key != "" && a.key == b.key {
				errs = append(errs, fmt.Errorf("encoder: %s and %s are both %q; each needs a name of its own", b.option, a.option, a.key))
			}
		}
	}
	return errors.Join(append(errs, o.Reserved.check()...)...)
}
