package schema

import "errors"

// DecodeDefinition reads an entity from the answers of the Web API: definition is EntityDefinitions(LogicalName='…') with
// Keys and relationships expanded, each of attributes an answer of …/Attributes, or of its cast to one metadata type, where
// choices have their options. The answers may repeat a field: what is told of it is put together. The entity is indexed.
func DecodeDefinition(definition []byte, attributes [][]byte) (*Entity, error) {
	return nil, errors.New("unimplemented")
}

// DecodeEntities reads the entities of an answer of EntityDefinitions, without their fields.
func DecodeEntities(definitions []byte) ([]*Entity, error) { return nil, errors.New("unimplemented") }
