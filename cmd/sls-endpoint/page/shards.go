package page

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// maxAddedShards is how many shards one call may add; more are a slip.
const maxAddedShards = 256

func (s *server) addShards(w http.ResponseWriter, r *http.Request) {
	err := withForm(w, r, func(form url.Values) error {
		if err := only(form, "logstore", "add"); err != nil {
			return err
		}
		text := form.Get("add")
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxAddedShards {
			return fmt.Errorf("add %q: want a number of shards from 1 to %d", text, maxAddedShards)
		}
		return s.e.AddShards(form.Get("logstore"), n)
	})
	if err != nil {
		refuse(w, err)
		return
	}
	writeJSON(w, s.logstores())
}
