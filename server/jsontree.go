package server

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// jsonNode is a value of a JSON text, with all members in their order, doubled ones too. It is read only where a body
// was refused, to say what is wrong with it.
type jsonNode struct {
	kind     string // "an object", "a list", "a text", "a number", "true or false", "null"
	text     string // of texts and numbers
	members  []jsonMember
	elements []*jsonNode
}

type jsonMember struct {
	name  string
	value *jsonNode
}

// maxJSONDepth bounds how deep values are nested. A level of JSON is up to three of a protobuf message, which has at most
// 10,000.
const maxJSONDepth = 1000

// parseJSON reads a JSON text that is one value.
func parseJSON(data []byte) (*jsonNode, error) {
	if err := json.Unmarshal(data, new(json.RawMessage)); err != nil {
		return nil, err // tells the place, which the decoder's tokens do not
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return parseNode(decoder, 0)
}

func parseNode(decoder *json.Decoder, depth int) (*jsonNode, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		switch {
		case depth >= maxJSONDepth:
			return nil, errTooDeep
		case t == '{':
			return parseObject(decoder, depth)
		}
		return parseList(decoder, depth)
	case string:
		return &jsonNode{kind: "a text", text: t}, nil
	case json.Number:
		return &jsonNode{kind: "a number", text: t.String()}, nil
	case bool:
		return &jsonNode{kind: "true or false"}, nil
	default:
		return &jsonNode{kind: "null"}, nil
	}
}

func parseObject(decoder *json.Decoder, depth int) (*jsonNode, error) {
	node := &jsonNode{kind: "an object"}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		value, err := parseNode(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		node.members = append(node.members, jsonMember{fmt.Sprint(name), value})
	}
	_, err := decoder.Token()
	return node, err
}

func parseList(decoder *json.Decoder, depth int) (*jsonNode, error) {
	node := &jsonNode{kind: "a list"}
	for decoder.More() {
		element, err := parseNode(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		node.elements = append(node.elements, element)
	}
	_, err := decoder.Token()
	return node, err
}
