package page

import (
	"fmt"
	"strings"
	"testing"

	"out_sls_kafka/test/sls"
)

// accessLog is a day in the life of a web server.
func accessLog(from, n int) []string {
	paths := []string{"/", "/index.html", "/api/orders/7", "/api/orders", "/static/logo.svg"}
	var values []string
	for i := from; i < from+n; i++ {
		status := 200
		if i%7 == 3 {
			status = 500
		}
		values = append(values, fmt.Sprintf(`{"seq":"%d","method":"GET","path":"%s","status":%d,"agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","kubernetes":{"pod_name":"web-6d4cf56db6-%d","namespace_name":"shop"}}`,
			i, paths[i%len(paths)], status, i%3))
	}
	return values
}

const firstRow = "document.querySelector('tbody tr').innerText"

// What a person does: open the page, see the newest logs, search, watch new ones arrive, go to another logstore.
func TestPageInABrowser(t *testing.T) {
	b := startBrowser(t)
	for _, width := range []int{1280, 390, 360} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			s := startSite(t, sls.Options{Logstores: []string{"web", "plain"}})
			s.land("web.json", accessLog(0, 30)...)
			s.land("plain", strings.Repeat("a value without an end ", 50), strings.Repeat("x", 5000), `<script>document.title = "broken in"</script><img src=x onerror="document.title='broken in'">`)
			p := b.open(t, s.server.URL+"/?logstore=web", width)
			if got := p.text("document.title"); got != "web – demo-project" {
				t.Errorf("title %q", got)
			}
			if row := p.text(firstRow); !strings.Contains(row, "29") || !strings.Contains(row, "2023-11-14 22:13:49.123") {
				t.Errorf("first row %q, want the newest log", row)
			}
			p.picture(fmt.Sprintf("open-%d", width))
			p.fits()

			p.search("status:500 orders")
			p.wait("location.search.includes('search=status%3A500+orders')")
			p.wait("document.querySelectorAll('tbody tr').length === 2") // of 3, 10, 17, 24: those to /api/orders
			if got := p.text("document.querySelector('input[type=search]').value"); got != "status:500 orders" {
				t.Errorf("the search field reads %q", got)
			}
			p.picture(fmt.Sprintf("search-%d", width))

			if err := p.evaluate("document.body.dataset.mark = 'same page'", new(string)); err != nil {
				t.Fatal(err)
			}
			s.land("web.json", accessLog(38, 1)...) // 38 is another such
			p.wait("document.querySelectorAll('tbody tr').length === 3 && " + firstRow + ".includes('38')")
			p.wait("document.body.dataset.mark === 'same page' && document.querySelector('#count').innerText === '31'")
			p.wait("document.querySelector('.chart path').getAttribute('d').length > 0")

			p.click("nav a[href*=plain]")
			p.wait("document.querySelector('.none')?.innerText === 'None of the newest 3 logs matches.'") // the search goes along
			p.search("")
			p.wait("document.querySelectorAll('tbody tr').length === 3")
			p.wait("[...document.querySelectorAll('td')].every(cell => cell.offsetWidth <= innerWidth)")
			p.picture(fmt.Sprintf("long-%d", width))
			p.fits()
			p.search("broken")
			p.wait("document.querySelectorAll('tbody tr').length === 1 && " + firstRow + ".includes('<script>')")
			if got := p.text("document.title"); got != "plain – demo-project" {
				t.Errorf("a log changed the title to %q", got)
			}
			p.fits()
		})
	}
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the browser complained: %s", strings.Join(complaints, "\n"))
	}
}

// fits fails where a person would have to scroll sideways, but in the table of a wide screen.
func (p *tab) fits() {
	p.t.Helper()
	var size struct{ Page, Screen int }
	if err := p.evaluate("({page: document.documentElement.scrollWidth, screen: document.documentElement.clientWidth})", &size); err != nil {
		p.t.Fatal(err)
	}
	if size.Page > size.Screen {
		p.t.Errorf("the page is %d wide on a screen of %d", size.Page, size.Screen)
	}
}

func TestPageShowsFaultsAndAnEndpointThatLeft(t *testing.T) {
	b := startBrowser(t)
	s := startSite(t, sls.Options{})
	p := b.open(t, s.server.URL, 390)
	p.wait("document.querySelector('.none').innerText.includes('Nothing has landed yet')")
	if err := s.e.SetFault(sls.Fault{Name: "KAFKA_STORAGE_ERROR", Count: 3}); err != nil {
		t.Fatal(err)
	}
	p.wait("document.querySelector('.fault')?.innerText.includes('KAFKA_STORAGE_ERROR, for 3 requests; met 0')")
	p.picture("fault-390")
	s.land("demo.json", `{"a":"1"}`)
	p.wait("!document.querySelector('.fault') && document.querySelectorAll('tbody tr').length === 1")
	s.server.CloseClientConnections()
	s.server.Listener.Close()
	p.wait("document.querySelector('#state').innerText.includes('does not answer')")
}
