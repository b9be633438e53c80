package presence

import (
	"bytes"
	"encoding/json"
)

// probeMember is the one member of a probe: what no delivery of Dataverse has.
const probeMember = "botverseProbe"

// maxProbe bounds a probe's length; deliveries are longer.
const maxProbe = 256

// Probe is the body of a delivery that stores nothing: an intake that knows the key answers with the same body. So whoever
// registers a webhook can see that its URL leads here.
func Probe(nonce string) []byte {
	body, err := json.Marshal(map[string]string{probeMember: nonce})
	if err != nil { // texts never fail
		return nil
	}
	return body
}

// nonceOf reads what Probe wrote, empty where a body is no probe.
func nonceOf(body []byte) string {
	if len(body) > maxProbe || !bytes.Contains(body, []byte(probeMember)) {
		return ""
	}
	var probe map[string]string
	if json.Unmarshal(body, &probe) != nil {
		return ""
	}
	return probe[probeMember]
}
