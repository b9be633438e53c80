package server

import (
	"bytes"
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

// watchMessage is a message of WatchPresence on its way to a subscriber. Its forms are made once and shared.
type watchMessage struct{ *presence.Message }

// The forms of a message.
const (
	formProto = "proto"
	formLines = "ndjson"
	formSSE   = "sse"
)

// encodeProto makes what gRPC sends as it is: the buffers belong to no pool, so that all streams may share them.
func encodeProto(m *presence.Message) (mem.BufferSlice, error) {
	data, err := proto.Marshal(watchResponse(m))
	return mem.BufferSlice{mem.SliceBuffer(data)}, err
}

// encodeLine is a line of newline-delimited JSON, as grpc-gateway frames streams.
func encodeLine(m *presence.Message) ([]byte, error) {
	body, err := compactJSON(watchResponse(m))
	if err != nil {
		return nil, err
	}
	return frameLine("result", body), nil
}

func frameLine(kind string, body []byte) []byte {
	line := make([]byte, 0, len(body)+16)
	line = append(line, `{"`+kind+`":`...)
	line = append(line, body...)
	return append(line, "}\n"...)
}

// encodeSSE is a server-sent event whose id is the cursor: a browser sends it back as Last-Event-ID.
func encodeSSE(m *presence.Message) ([]byte, error) {
	body, err := compactJSON(watchResponse(m))
	if err != nil {
		return nil, err
	}
	return frameSSE(m.Cursor, eventName(m), body), nil
}

func frameSSE(id, event string, body []byte) []byte {
	var b bytes.Buffer
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", event, body)
	return b.Bytes()
}

func eventName(m *presence.Message) string {
	switch {
	case m.State != nil:
		return "state"
	case m.SnapshotEnd != nil:
		return "snapshot_end"
	case m.Event != nil && m.Event.Activity != nil:
		return "activity"
	case m.Event != nil:
		return "event"
	default:
		return "heartbeat"
	}
}

// codec is protobuf's codec, but that it sends messages of WatchPresence as the bytes that they are already, and brings
// what cannot be decoded into the chain.
type codec struct {
	encoding.CodecV2
	maxSize int // of a request, in bytes
}

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if d, ok := v.(*decoding); ok {
		d.decode(c.CodecV2, data, c.maxSize)
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(watchMessage)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	return presence.Encoded(m.Message, formProto, encodeProto)
}

// watchResponse puts a message into the contract's form.
func watchResponse(m *presence.Message) *botversev1.WatchPresenceResponse {
	resp := &botversev1.WatchPresenceResponse{Cursor: m.Cursor}
	switch {
	case m.State != nil:
		resp.Message = &botversev1.WatchPresenceResponse_State{State: agentOf(m.State)}
	case m.SnapshotEnd != nil:
		resp.Message = &botversev1.WatchPresenceResponse_SnapshotEnd{SnapshotEnd: &botversev1.SnapshotEnd{Agents: int32(m.SnapshotEnd.Agents)}}
	case m.Event != nil && m.Event.Activity != nil:
		resp.Message = &botversev1.WatchPresenceResponse_Activity{Activity: activityOf(m.Event)}
	case m.Event != nil:
		resp.Message = &botversev1.WatchPresenceResponse_Event{Event: eventOf(m.Event)}
	case m.Heartbeat != nil:
		resp.Message = &botversev1.WatchPresenceResponse_Heartbeat{Heartbeat: &botversev1.Heartbeat{Time: timestamppb.New(m.Heartbeat.Time)}}
	}
	return resp
}
