package main

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// received is a message of WatchPresence as it came: one that cannot be read must not end the watch.
type received struct {
	message botversev1.WatchPresenceResponse
	fault   error
}

// unknown says why a message says nothing to us; empty where it does.
func (r *received) unknown() string {
	switch {
	case r.fault != nil:
		return fmt.Sprintf("it cannot be read: %v", r.fault)
	case r.message.GetMessage() != nil:
		return ""
	}
	number, _, length := protowire.ConsumeTag(r.message.ProtoReflect().GetUnknown())
	if length < 0 {
		return "it says nothing"
	}
	return fmt.Sprintf("it is of a kind that this botverse does not know (field %d); that of the server is newer", number)
}

// patientCodec is protobuf's codec, but that it keeps a fault beside the message in place of ending the stream.
type patientCodec struct{ encoding.CodecV2 }

// Unmarshal implements encoding.CodecV2.
func (c patientCodec) Unmarshal(data mem.BufferSlice, v any) error {
	r, ok := v.(*received)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	r.fault = c.CodecV2.Unmarshal(data, &r.message)
	return nil
}
