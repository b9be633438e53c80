package actions

import "testing"

// TestInOneWorld runs what leaves the records alone, and the request log too, against one local Dataverse.
func TestInOneWorld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	AllAtOnce(t, w, map[string]func(*testing.T, world){
		"ALongQueryIsPlannedAsWhatItIs":            testALongQueryIsPlannedAsWhatItIs,
		"APointInTimeIsSearchedByItsDay":           testAPointInTimeIsSearchedByItsDay,
		"AggregateQueriesRunAsWritten":             testAggregateQueriesRunAsWritten,
		"DescriptionsAgreeWithSources":             testDescriptionsAgreeWithSources,
		"FetchKeepsTheOrderOfTheAuthor":            testFetchKeepsTheOrderOfTheAuthor,
		"FetchRequestFaults":                       testFetchRequestFaults,
		"FetchTranslatesByType":                    testFetchTranslatesByType,
		"FetchWithoutAMatch":                       testFetchWithoutAMatch,
		"FindRecordFaults":                         testFindRecordFaults,
		"FindRecordMatches":                        testFindRecordMatches,
		"GetEntity":                                testGetEntity,
		"ListEntities":                             testListEntities,
		"NoMatchIsAnOutcome":                       testNoMatchIsAnOutcome,
		"NotCreatable":                             testNotCreatable,
		"ReferenceSavedByASearchIsAValueOfTheNext": testReferenceSavedByASearchIsAValueOfTheNext,
		"SearchesRunSideBySide":                    testSearchesRunSideBySide,
		"SeveralMatches":                           testSeveralMatches,
		"UnknownEntityNamesTheNearest":             testUnknownEntityNamesTheNearest,
		"ValidatedSearchListsTheReadsItNeeds":      testValidatedSearchListsTheReadsItNeeds,
	})
}
