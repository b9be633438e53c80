package actions

import (
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse"
)

// newRecordID is the ID of a record to be created: always ours, so that the record can be found when the answer to its
// creation is lost. With a request ID it is the same for the same organisation, namespace, entity and request ID, so that
// a repeat meets the record that the first call made; without one it is random.
func newRecordID(organization dataverse.ID, client *dataverse.Client, spec CreateRecord, entity string) dataverse.ID {
	if spec.RequestID == "" {
		return dataverse.ID(uuid.NewString())
	}
	return dataverse.ID(uuid.NewSHA1(spaceOf(organization, client), joinParts(spec.Namespace, entity, spec.RequestID)).String())
}

// spaceOf is the space of an environment's request IDs: its organisation, which stays when the environment is configured
// under another name or address.
func spaceOf(organization dataverse.ID, client *dataverse.Client) uuid.UUID {
	space, err := uuid.Parse(string(organization))
	if err != nil { // an application user that may not even know its organisation
		return uuid.NewSHA1(uuid.NameSpaceURL, []byte(client.URL()))
	}
	return space
}

// joinParts joins texts so that no two lists of texts give the same.
func joinParts(parts ...string) []byte {
	var b strings.Builder
	for _, part := range parts {
		b.WriteString(strconv.Itoa(len(part)))
		b.WriteByte(':')
		b.WriteString(part)
	}
	return []byte(b.String())
}
