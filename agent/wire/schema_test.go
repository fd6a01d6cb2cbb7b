package wire_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/zerofax/zerofax/agent/wire"
	"pgregory.net/rapid"
)

// kept are the messages of testdata/v1 whose names begin with prefix.
func kept(tb testing.TB, prefix string) map[string][]byte {
	tb.Helper()
	paths, err := filepath.Glob("testdata/v1/" + prefix + "*.json")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("testdata/v1/%s*.json: got %d files, %v", prefix, len(paths), err)
	}
	messages := make(map[string][]byte)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		messages[filepath.Base(path)] = bytes.TrimSpace(data)
	}
	return messages
}

func TestEveryMessageEverSentCanBeRead(t *testing.T) {
	decoders := map[string]func([]byte) (any, error){
		"certificate-request": func(p []byte) (any, error) { return wire.DecodeCertificateRequest(p) },
		"certificate":         func(p []byte) (any, error) { return wire.DecodeCertificateAnswer(p) },
		"agent-state":         func(p []byte) (any, error) { return wire.DecodeAgentState(p) },
		"ack":                 func(p []byte) (any, error) { return wire.DecodeAck(p) },
		"collector-state":     func(p []byte) (any, error) { return wire.DecodeCollectorState(p) },
		"envelope":            func(p []byte) (any, error) { return reencode(p) },
	}
	schema := compiled(t)
	for name, payload := range kept(t, "") {
		kind := kindOf(name)
		decode, ok := decoders[kind]
		if !ok {
			t.Errorf("%s: want a name that begins with a message's kind", name)
			continue
		}
		got, err := decode(payload)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if kind != "envelope" {
			got = wire.Encode(got)
		}
		if !bytes.Equal(got.([]byte), payload) {
			t.Errorf("%s: written again, got\n%s\nwant\n%s", name, got, payload)
		}
		if err := validate(schema[kind], payload); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func reencode(payload []byte) ([]byte, error) {
	env, err := wire.DecodeEnvelope(payload)
	if err != nil {
		return nil, err
	}
	body, err := wire.EncodeReadings(env.Readings, env.Events...)
	if err != nil {
		return nil, err
	}
	return wire.AppendEnvelope(nil, env.Header, body), nil
}

func kindOf(name string) string {
	for _, kind := range []string{"agent-state", "ack", "collector-state", "envelope", "certificate-request", "certificate"} {
		if strings.HasPrefix(name, kind) {
			return kind
		}
	}
	return ""
}

func TestWhatAnAgentSendsFitsTheSchema(t *testing.T) {
	schema := compiled(t)["envelope"]
	rapid.Check(t, func(t *rapid.T) {
		body, err := wire.EncodeReadings(rapid.SliceOfN(readingGen, 0, 3).Draw(t, "readings"), rapid.SliceOfN(eventGen, 0, 3).Draw(t, "events")...)
		if err != nil {
			t.Fatal(err)
		}
		payload := wire.AppendEnvelope(nil, headerGen.Draw(t, "header"), body)
		if err := validate(schema, payload); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTheSchemasRefuseWhatTheDecodersRefuse(t *testing.T) {
	schema := compiled(t)
	for _, c := range []struct{ kind, payload string }{
		{"envelope", string(message("", `"v":1`, `"v":2`))},
		{"envelope", string(message("", `"seq":6`, `"seq":0`))},
		{"envelope", string(message("", `"first":5,`, ``))},
		{"envelope", string(message("", "ps-01", "PS-01"))},
		{"envelope", string(message("", "abcdefgh", "abc"))},
		{"envelope", string(message("", "2026-10-01T08:00:01Z", "yesterday"))},
		{"envelope", string(message("", "[]", "{}"))},
		{"envelope", string(message(`{}`))},
		{"envelope", string(message(strings.Replace(goodReading, "true", "false", 1)))},
		{"envelope", string(message(strings.Replace(goodReading, "true", `true,"counters":[{}]`, 1)))},
		{"envelope", string(message(strings.Replace(goodReading, "true", `true,"lines":[{"status":"up"}]`, 1)))},
		{"envelope", string(message(strings.Replace(goodReading, "true", `true,"fax_service":"up"`, 1)))},
		{"envelope", string(message(strings.Replace(goodEvent, "done", "lost", 1)))},
		{"envelope", string(message(strings.Replace(goodEvent, `,"from":"4512"`, "", 1)))},
		{"envelope", string(message(strings.Replace(goodEvent, `"from"`, `"pages":100001,"from"`, 1)))},
		{"envelope", string(message(strings.Replace(goodEvent, `"from"`, `"seconds":10000001,"from"`, 1)))},
		{"agent-state", `{"v":1,"online":true}`},
		{"agent-state", `{"v":1,"online":true,"session":"","started_at":"2026-10-01T08:00:01Z","spool":{"envelopes":0,"bytes":0,"dropped":0}}`},
		{"agent-state", `{"v":1,"online":true,"session":"s","started_at":"2026-10-01T08:00:01Z","spool":{"envelopes":-1,"bytes":0,"dropped":0}}`},
		{"ack", `{"v":1,"stream":"abcdefgh","seq":1,"crc":4294967296}`},
		{"ack", `{"v":1,"seq":1,"crc":1}`},
		{"collector-state", `{"v":1,"online":"yes"}`},
	} {
		if err := validate(schema[c.kind], []byte(c.payload)); err == nil {
			t.Errorf("%s %s: got no error from the schema", c.kind, c.payload)
		}
	}
	if err := validate(schema["envelope"], message(goodReading, `"v":1`, `"v":1,"new":1`)); err != nil {
		t.Errorf("an unknown field: %v", err)
	}
}

func validate(schema *jsonschema.Schema, payload []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// compiled are all schemas by the names of their files.
func compiled(tb testing.TB) map[string]*jsonschema.Schema {
	tb.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	names, err := fs.Glob(wire.Schemas(), "*.json")
	if err != nil || len(names) != 9 {
		tb.Fatalf("got schemas %v, %v; want 9", names, err)
	}
	for i, name := range names {
		data, err := fs.ReadFile(wire.Schemas(), name)
		if err != nil {
			tb.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		names[i] = strings.TrimSuffix(name, ".json")
		if err := compiler.AddResource("urn:zerofax:v1:"+names[i], doc); err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
	}
	schemas := make(map[string]*jsonschema.Schema)
	for _, name := range names {
		if schemas[name], err = compiler.Compile("urn:zerofax:v1:" + name); err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
	}
	return schemas
}
