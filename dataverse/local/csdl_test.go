package local_test

import (
	"encoding/xml"
	"net/http"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// csdl is what $metadata says, as far as the test follows it.
type csdl struct {
	XMLName xml.Name `xml:"http://docs.oasis-open.org/odata/ns/edmx Edmx"`
	Version string   `xml:"Version,attr"`
	Schema  struct {
		Namespace string `xml:"Namespace,attr"`
		Alias     string `xml:"Alias,attr"`
		Types     []struct {
			Name string `xml:"Name,attr"`
			Base string `xml:"BaseType,attr"`
			Key  []struct {
				Name string `xml:"Name,attr"`
			} `xml:"Key>PropertyRef"`
			Properties  []csdlProperty `xml:"Property"`
			Navigations []struct {
				csdlProperty
				Partner    string `xml:"Partner,attr"`
				Constraint struct {
					Property   string `xml:"Property,attr"`
					Referenced string `xml:"ReferencedProperty,attr"`
				} `xml:"ReferentialConstraint"`
			} `xml:"NavigationProperty"`
		} `xml:"EntityType"`
		ComplexTypes []csdlProperty  `xml:"ComplexType"`
		EnumTypes    []csdlProperty  `xml:"EnumType"`
		Functions    []csdlOperation `xml:"Function"`
		Actions      []csdlOperation `xml:"Action"`
		Container    struct {
			Name string `xml:"Name,attr"`
			Sets []struct {
				Name     string `xml:"Name,attr"`
				Type     string `xml:"EntityType,attr"`
				Bindings []struct {
					Path   string `xml:"Path,attr"`
					Target string `xml:"Target,attr"`
				} `xml:"NavigationPropertyBinding"`
			} `xml:"EntitySet"`
			FunctionImports []struct {
				Function string `xml:"Function,attr"`
			} `xml:"FunctionImport"`
			ActionImports []struct {
				Action string `xml:"Action,attr"`
			} `xml:"ActionImport"`
		} `xml:"EntityContainer"`
	} `xml:"DataServices>Schema"`
}

type csdlProperty struct {
	Name string `xml:"Name,attr"`
	Type string `xml:"Type,attr"`
}

type csdlOperation struct {
	Name       string         `xml:"Name,attr"`
	Parameters []csdlProperty `xml:"Parameter"`
	Return     csdlProperty   `xml:"ReturnType"`
}

// plain is a type's name without the namespace and the collection around it.
func plain(name string) string {
	name = strings.TrimSuffix(strings.TrimPrefix(name, "Collection("), ")")
	return strings.TrimPrefix(strings.TrimPrefix(name, "mscrm."), "Microsoft.Dynamics.CRM.")
}

// TestCSDL holds that $metadata is XML in which every name leads somewhere, as tools that generate code from it need (OData
// CSDL 4.0; Web API, "Service documents").
func TestCSDL(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	response, err := http.Get(base + "/api/data/v9.2/$metadata")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var doc csdl
	if err := xml.NewDecoder(response.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if kind := response.Header.Get("Content-Type"); kind != "application/xml" || doc.Version != "4.0" || doc.Schema.Namespace != "Microsoft.Dynamics.CRM" || doc.Schema.Alias != "mscrm" || doc.Schema.Container.Name != "System" {
		t.Errorf("%s, version %q, schema %q alias %q, container %q", kind, doc.Version, doc.Schema.Namespace, doc.Schema.Alias, doc.Schema.Container.Name)
	}
	known := map[string]map[string]string{} // type → property → its type
	for _, e := range doc.Schema.Types {
		properties := map[string]string{}
		for _, p := range e.Properties {
			if properties[p.Name] != "" || !strings.HasPrefix(p.Type, "Edm.") {
				t.Errorf("%s.%s has the type %q or comes twice", e.Name, p.Name, p.Type)
			}
			properties[p.Name] = p.Type
		}
		for _, n := range e.Navigations {
			if properties[n.Name] != "" {
				t.Errorf("%s.%s comes twice", e.Name, n.Name)
			}
			properties[n.Name] = n.Type
		}
		known[e.Name] = properties
	}
	keys, bases := map[string]string{}, map[string]string{}
	for _, e := range doc.Schema.Types {
		bases[e.Name] = plain(e.Base)
		for _, k := range e.Key {
			keys[e.Name] += k.Name
		}
	}
	for _, e := range doc.Schema.Types {
		key := ""
		for base := e.Name; base != ""; base = bases[base] {
			if base != e.Name {
				for name, kind := range known[base] {
					known[e.Name][name] = kind
				}
			}
			key += keys[base]
		}
		if e.Name != "crmbaseentity" && (known[plain(e.Base)] == nil || known[e.Name][key] != "Edm.Guid") {
			t.Errorf("%s: base %q, key %q", e.Name, e.Base, key)
		}
	}
	for name, base := range map[string]string{"account": "crmbaseentity", "systemuser": "principal", "team": "principal", "task": "activitypointer", "activitypointer": "crmbaseentity"} {
		if bases[name] != base {
			t.Errorf("%s is derived from %q, want %q", name, bases[name], base)
		}
	}
	for _, e := range doc.Schema.Types {
		for _, n := range e.Navigations {
			target := known[plain(n.Type)]
			switch {
			case target == nil:
				t.Errorf("%s.%s leads to %q, which is no type", e.Name, n.Name, n.Type)
			case n.Partner != "" && target[n.Partner] == "":
				t.Errorf("%s.%s has the partner %q, which %s has not", e.Name, n.Name, n.Partner, n.Type)
			case n.Constraint.Property != "" && (known[e.Name][n.Constraint.Property] != "Edm.Guid" || target[n.Constraint.Referenced] != "Edm.Guid"):
				t.Errorf("%s.%s is constrained by %+v", e.Name, n.Name, n.Constraint)
			}
		}
	}
	checkContainer(t, doc, known)
}

func checkContainer(t *testing.T, doc csdl, known map[string]map[string]string) {
	t.Helper()
	sets, operations := map[string]string{}, map[string]bool{}
	for _, set := range doc.Schema.Container.Sets {
		sets[set.Name] = plain(set.Type)
		if known[plain(set.Type)] == nil {
			t.Errorf("the set %s is of %q, which is no type", set.Name, set.Type)
		}
	}
	for _, set := range doc.Schema.Container.Sets {
		for _, b := range set.Bindings {
			if sets[b.Target] == "" || known[plain(set.Type)][b.Path] == "" {
				t.Errorf("the set %s binds %q to %q", set.Name, b.Path, b.Target)
			}
		}
	}
	for _, c := range append(doc.Schema.ComplexTypes, doc.Schema.EnumTypes...) {
		known[c.Name] = map[string]string{}
	}
	for _, o := range append(doc.Schema.Functions, doc.Schema.Actions...) {
		operations[o.Name] = true
		for _, p := range append(o.Parameters, o.Return) {
			if p.Type != "" && !strings.HasPrefix(p.Type, "Edm.") && known[plain(p.Type)] == nil {
				t.Errorf("%s takes or gives %q, which is no type", o.Name, p.Type)
			}
		}
	}
	if len(doc.Schema.Container.FunctionImports) == 0 || len(doc.Schema.Container.ActionImports) == 0 {
		t.Error("no function or no action is imported")
	}
	for _, i := range doc.Schema.Container.FunctionImports {
		if !operations[plain(i.Function)] {
			t.Errorf("%q is imported, which is no function", i.Function)
		}
	}
	for _, i := range doc.Schema.Container.ActionImports {
		if !operations[plain(i.Action)] {
			t.Errorf("%q is imported, which is no action", i.Action)
		}
	}
}
