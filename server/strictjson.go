package server

import (
	"fmt"
	"io"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// strictJSON reads and writes the contract's JSON: camelCase, enums by name, unset fields left out, unknown members
// refused.
type strictJSON struct{}

// ContentType implements runtime.Marshaler.
func (strictJSON) ContentType(any) string { return "application/json" }

// Marshal implements runtime.Marshaler.
func (strictJSON) Marshal(v any) ([]byte, error) {
	m, ok := v.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("a reply of type %T is no protobuf message", v)
	}
	return protojson.Marshal(m)
}

// Unmarshal implements runtime.Marshaler. What is wrong is told by bodyError; here it is enough that something is.
func (strictJSON) Unmarshal(data []byte, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("a request of type %T is no protobuf message", v)
	}
	if err := checkBody(data); err != nil {
		return err
	}
	return protojson.Unmarshal(data, m)
}

// NewDecoder implements runtime.Marshaler.
func (j strictJSON) NewDecoder(r io.Reader) runtime.Decoder {
	return runtime.DecoderFunc(func(v any) error {
		data, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		return j.Unmarshal(data, v)
	})
}

// NewEncoder implements runtime.Marshaler.
func (j strictJSON) NewEncoder(w io.Writer) runtime.Encoder {
	return runtime.EncoderFunc(func(v any) error {
		data, err := j.Marshal(v)
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
}
