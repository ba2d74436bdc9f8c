package monitoring

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	dashboardFile = "../../../deploy/monitoring/dashboard.json"
	anyDatasource = "${datasource}" // the variable, so that it works in every Grafana
)

// dashboard is what matters of Grafana's format.
type dashboard struct {
	UID        string `json:"uid"`
	Templating struct {
		List []struct {
			Type       string `json:"type"`
			Name       string `json:"name"`
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

type panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Datasource  datasource `json:"datasource"`
	GridPos     struct{ H, W, X, Y int }
	FieldConfig struct {
		Defaults struct {
			Unit string   `json:"unit"`
			Max  *float64 `json:"max"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []target `json:"targets"`
}

type target struct {
	RefID      string     `json:"refId"`
	Datasource datasource `json:"datasource"`
	Expr       string     `json:"expr"`
	Legend     string     `json:"legendFormat"`
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

func readDashboard(t *testing.T) *dashboard {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatalf("%s: %v", dashboardFile, err)
	}
	if len(d.Panels) == 0 {
		t.Fatalf("%s has no panels", dashboardFile)
	}
	return &d
}

// asPrometheusSees replaces Grafana's variables as Grafana does where all is chosen.
func asPrometheusSees(expr string) string {
	return strings.NewReplacer("$__rate_interval", rateInterval, "$job", ".*", "$instance", ".*", "$name", ".*").Replace(expr)
}

func TestDashboardQueries(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	shown := make(map[string]bool)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			q := check(asPrometheusSees(target.Expr))
			for m := range q.metrics {
				shown[m] = true
			}
			for _, name := range placeholder.FindAllStringSubmatch(target.Legend, -1) {
				q.need("legend "+target.Legend, q.labels, name[1:])
			}
			if target.Legend == "" {
				q.faultf("it has no legend")
			}
			for _, fault := range q.faults {
				t.Errorf("panel %q, query %s: %s", p.Title, target.Expr, fault)
			}
		}
	}
	for name := range ownMetrics() {
		if !shown[name] {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// placeholder is a label in a legend.
var placeholder = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// A variable's values come from a label of a series; a query must not use a variable that is not there.
func TestDashboardVariables(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	ask := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	var names []string
	for _, v := range d.Templating.List {
		names = append(names, "$"+v.Name)
		if v.Type != "query" {
			continue
		}
		parts := ask.FindStringSubmatch(v.Definition)
		if parts == nil {
			t.Errorf("variable %s: %q is not of the form label_values(series, label)", v.Name, v.Definition)
			continue
		}
		q := check(asPrometheusSees(parts[1]))
		q.need("variable "+v.Name, q.labels, parts[2:])
		for _, fault := range q.faults {
			t.Errorf("variable %s: %s", v.Name, fault)
		}
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			for _, used := range regexp.MustCompile(`\$\w+`).FindAllString(target.Expr, -1) {
				if used != "$__rate_interval" && !slices.Contains(names, used) {
					t.Errorf("panel %q uses %s, which is not a variable: %v", p.Title, used, names)
				}
			}
		}
	}
}

func TestDashboardLayout(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	ids, taken := make(map[int]bool), make(map[string]string)
	for _, p := range d.Panels {
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d (%q): title, description, unit and queries must be there", p.ID, p.Title)
		}
		if ids[p.ID] {
			t.Errorf("panel %q: its id %d is there twice", p.Title, p.ID)
		}
		ids[p.ID] = true
		refs := make(map[string]bool)
		for _, target := range p.Targets {
			if refs[target.RefID] || target.Datasource.UID != anyDatasource || p.Datasource.UID != anyDatasource {
				t.Errorf("panel %q: refId %q must be there once, and the data source be %s", p.Title, target.RefID, anyDatasource)
			}
			refs[target.RefID] = true
		}
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %q is beyond the 24 columns", p.Title)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				cell := fmt.Sprint(x, y)
				if taken[cell] != "" && taken[cell] != p.Title {
					t.Fatalf("panels %q and %q overlap", p.Title, taken[cell])
				}
				taken[cell] = p.Title
			}
		}
	}
}
