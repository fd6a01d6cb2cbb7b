package journal

import "github.com/zerofax/zerofax/agent/wire"

type event = wire.Event

// between is a call from one number to another.
func between(from, to string) (event, error) {
	return event{Unit: wire.Call, Witness: wire.Exchange, From: from, To: to}, nil
}

func result(done bool) wire.Result {
	if done {
		return wire.Done
	}
	return wire.Failed
}

// own is the journal's own number, as its place tells it by modem or mailbox.
func (r *Reader) own(name string) string {
	for _, lines := range [...]map[string]string{r.place.Lines, r.profile.Lines} {
		if line, ok := lines[name]; ok {
			return line
		}
	}
	if r.place.Line != "" {
		return r.place.Line
	}
	return r.profile.Line
}

// first is the first error there is.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
