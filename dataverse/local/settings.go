package local

import (
	"context"
	"time"

	"github.com/botverse/botverse/dataverse/local/query"
)

// settings is what the records say about how the server is to behave. It is read anew whenever they are written, and never
// changed.
type settings struct {
	organizationID    string
	organizationName  string
	nameConvention    int // of full names
	baseCurrencyID    string
	currencySymbol    string
	fiscal            query.Fiscal
	hierarchy         query.Hierarchy
	detectDuplicates  bool               // both switches of the organisation
	duplicatesEnabled bool               // the first of them
	rules             map[string][]rule  // the published ones, by base entity
	steps             map[trigger][]step // the enabled ones
	webhooks          map[string]step    // all of them, by ID
	defaultCaller     caller
	applications      map[string]caller // by the ID with which an application signs in
}

// settingsEntities are the entities that settings are made of.
var settingsEntities = []string{
	"organization", "transactioncurrency", "systemuser", "duplicaterule", "duplicaterulecondition",
	"serviceendpoint", "sdkmessageprocessingstep", "sdkmessageprocessingstepimage",
}

func loadSettings(ctx context.Context, c *conn) (*settings, error) {
	s := &settings{}
	if err := s.loadOrganization(ctx, c); err != nil {
		return nil, err
	}
	var err error
	if s.rules, err = loadRules(ctx, c); err != nil {
		return nil, err
	}
	return s, s.loadSteps(ctx, c)
}

func (s *settings) loadOrganization(ctx context.Context, c *conn) error {
	row, found, err := c.row(ctx, `SELECT organization.organizationid, organization.name, fullnameconventioncode, basecurrencyid,
		coalesce(isduplicatedetectionenabled, 0), coalesce(isduplicatedetectionenabledforonlinecreateupdate, 0),
		coalesce(organization.currencysymbol, transactioncurrency.currencysymbol), fiscalcalendarstart, fiscalperiodtype,
		maxdepthforhierarchicalsecuritymodel, ishierarchicalsecuritymodelenabled, usepositionhierarchy,
		fiscalyearformatprefix, fiscalyearformatsuffix, fiscalyearformatyear, fiscalperiodformatperiod, fiscalyearperiodconnect, fiscalyeardisplaycode
		FROM organization LEFT JOIN transactioncurrency ON transactioncurrencyid = basecurrencyid LIMIT 1`)
	if err != nil || !found {
		return err
	}
	r := record{"id": row[0], "name": row[1], "convention": row[2], "currency": row[3], "enabled": row[4], "online": row[5], "symbol": row[6], "fiscal": row[7], "periods": row[8], "depth": row[9], "hierarchy": row[10], "positions": row[11],
		"prefix": row[12], "suffix": row[13], "year": row[14], "period": row[15], "connect": row[16], "display": row[17]}
	s.organizationID, s.organizationName = r.text("id"), r.text("name")
	s.nameConvention = 1
	if r["convention"] != nil {
		s.nameConvention = int(r.number("convention"))
	}
	s.baseCurrencyID, s.currencySymbol = r.text("currency"), r.text("symbol")
	s.hierarchy = query.Hierarchy{On: r.truth("hierarchy"), Positions: r.truth("positions"), Depth: int(r.number("depth"))}
	s.fiscal.Periods = int(r.number("periods"))
	if micros, given := r["fiscal"].(int64); given {
		_, s.fiscal.Month, s.fiscal.Day = time.UnixMicro(micros).UTC().Date()
	}
	s.fiscal.Display = fiscalDisplay(r)
	s.duplicatesEnabled = r.truth("enabled")
	s.detectDuplicates = s.duplicatesEnabled && r.truth("online")

	return s.loadCallers(ctx, c)
}

func fiscalDisplay(r record) query.FiscalDisplay {
	const byEnd = 2 // of fiscalyeardisplaycode; 1 is by start
	d := query.FiscalDisplay{
		YearPrefix: int(r.number("prefix")), YearSuffix: int(r.number("suffix")), Year: int(r.number("year")), Period: int(r.number("period")),
		EndsTheName: r.number("display") == byEnd,
	}
	if text, given := r["connect"].(string); given {
		d.Connector = &text
	}
	return d
}

// loadCallers reads who calls by the application that signs in, and when nothing says who: the first of them.
func (s *settings) loadCallers(ctx context.Context, c *conn) error {
	s.applications = map[string]caller{}
	return c.query(ctx, `SELECT systemuserid, businessunitid, azureactivedirectoryobjectid, applicationid FROM systemuser
		ORDER BY applicationid IS NULL, createdon, systemuserid`, nil, func(row []any) error {
		by := callerOf(row)
		if s.defaultCaller.userID == "" {
			s.defaultCaller = by
		}
		if application, ok := row[3].(string); ok {
			s.applications[application] = by
		}
		return nil
	})
}
