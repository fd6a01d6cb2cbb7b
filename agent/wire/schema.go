package wire

import (
	"embed"
	"io/fs"
)

//go:embed schema/*.json
var schemas embed.FS

// Schemas are the JSON Schemas (draft 2020-12) of all messages: envelope.json, reading.json, event.json,
// agent-state.json, ack.json, collector-state.json, config.json, certificate-request.json and
// certificate.json. Their ids are urn:zerofax:v1:NAME.
// They say what may be sent; limits in bytes and uniqueness of ports and measures are
// beyond them and are checked by DecodeEnvelope.
func Schemas() fs.FS {
	sub, err := fs.Sub(schemas, "schema")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return sub
}
