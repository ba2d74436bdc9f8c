package page

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

var screenshots = flag.String("screenshots", "", "directory to leave screenshots of the page in")

// browser is a headless Chromium, driven by the DevTools protocol through its debugging pipe: JSON messages, each ended
// by a zero byte, on the descriptors 3 and 4 of the process.
type browser struct {
	t    *testing.T
	to   *os.File
	from *bufio.Reader

	mu       sync.Mutex
	last     int
	waiting  map[int]chan reply
	troubles []string // what pages complained of
	gone     error
}

type reply struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// startBrowser starts Chromium, or skips the test where there is none.
func startBrowser(t *testing.T) *browser {
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not on PATH (Debian package chromium): the page is not tested in a browser")
	}
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic", "--disable-extensions",
		"--user-data-dir="+filepath.Join(t.TempDir(), "profile"), "--remote-debugging-pipe")
	command.ExtraFiles = []*os.File{theirIn, theirOut}
	var said bytes.Buffer
	command.Stderr = &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &browser{t: t, to: ourOut, from: bufio.NewReader(ourIn), waiting: make(map[int]chan reply)}
	ended := make(chan struct{})
	go func() { defer close(ended); b.read() }()
	t.Cleanup(func() {
		_, _ = b.ask(context.Background(), "", "Browser.close", nil) // it may be gone already
		ourOut.Close()
		<-ended
		if err := command.Wait(); err != nil {
			t.Logf("chromium: %v\n%s", err, &said)
		}
		ourIn.Close()
	})
	return b
}

// read takes in answers and events until the browser ends.
func (b *browser) read() {
	for {
		text, err := b.from.ReadBytes(0)
		if err != nil {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.gone = fmt.Errorf("chromium is gone: %w", err)
			for id, waiting := range b.waiting {
				close(waiting)
				delete(b.waiting, id)
			}
			return
		}
		var message struct {
			ID     int
			Method string
			Params json.RawMessage
			reply
		}
		if err := json.Unmarshal(text[:len(text)-1], &message); err != nil {
			b.t.Errorf("chromium said %s: %v", text, err)
			continue
		}
		b.mu.Lock()
		switch message.Method {
		case "":
			if waiting, ok := b.waiting[message.ID]; ok {
				waiting <- message.reply
				delete(b.waiting, message.ID)
			}
		case "Runtime.exceptionThrown", "Log.entryAdded":
			b.troubles = append(b.troubles, string(message.Params))
		}
		b.mu.Unlock()
	}
}

// ask calls a method and waits for its answer.
func (b *browser) ask(ctx context.Context, session, method string, params any) (json.RawMessage, error) {
	answer := make(chan reply, 1)
	b.mu.Lock()
	if b.gone != nil {
		b.mu.Unlock()
		return nil, b.gone
	}
	b.last++
	id := b.last
	b.waiting[id] = answer
	b.mu.Unlock()
	message := map[string]any{"id": id, "method": method}
	if session != "" {
		message["sessionId"] = session
	}
	if params != nil {
		message["params"] = params
	}
	text, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	select {
	case r, ok := <-answer:
		switch {
		case !ok:
			return nil, fmt.Errorf("%s: chromium is gone", method)
		case r.Error != nil:
			return nil, fmt.Errorf("%s: %s", method, r.Error.Message)
		}
		return r.Result, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

// tab is one page of the browser as wide as a screen.
type tab struct {
	*browser
	t       *testing.T
	ctx     context.Context
	session string
}

// open opens a tab of a width in CSS pixels on a page.
func (b *browser) open(t *testing.T, url string, width int) *tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	p := &tab{browser: b, t: t, ctx: ctx}
	var target struct{ TargetID string }
	p.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	p.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	p.session = attached.SessionID
	p.call("Log.enable", nil, nil)
	p.call("Runtime.enable", nil, nil)
	p.call("Emulation.setDeviceMetricsOverride",
		map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 640}, nil)
	p.call("Page.navigate", map[string]any{"url": url}, nil)
	p.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
	t.Cleanup(func() {
		_, _ = b.ask(context.Background(), "", "Target.closeTarget", map[string]any{"targetId": target.TargetID})
	})
	return p
}

func (p *tab) call(method string, params, result any) {
	p.t.Helper()
	answer, err := p.ask(p.ctx, p.session, method, params)
	if err == nil && result != nil {
		err = json.Unmarshal(answer, result)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// evaluate runs JavaScript in the page; a promise is awaited.
func (p *tab) evaluate(expression string, result any) error {
	answer, err := p.ask(p.ctx, p.session, "Runtime.evaluate",
		map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true})
	if err != nil {
		return err
	}
	var value struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Text string }
	}
	if err := json.Unmarshal(answer, &value); err != nil {
		return err
	}
	if value.ExceptionDetails != nil {
		return errors.New(value.ExceptionDetails.Text)
	}
	return json.Unmarshal(value.Result.Value, result)
}

func (p *tab) text(expression string) string {
	p.t.Helper()
	var s string
	if err := p.evaluate(expression, &s); err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return s
}

// wait returns when a condition holds, also over a change of pages.
func (p *tab) wait(condition string) {
	p.t.Helper()
	look := fmt.Sprintf(`new Promise(done => { let left = 20; const look = () => { const holds = (%s); if (holds || !left--) done(!!holds); else setTimeout(look, 25); }; look(); })`, condition)
	for {
		var holds bool
		err := p.evaluate(look, &holds) // fails if the page changes while it runs
		if err == nil && holds {
			return
		}
		if p.ctx.Err() != nil {
			p.t.Fatalf("it did not come to %s: %v; the page says:\n%s", condition, err, p.lastWords())
		}
	}
}

// lastWords is what the page reads, for a failed test.
func (p *tab) lastWords() string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	answer, err := p.ask(ctx, p.session, "Runtime.evaluate", map[string]any{"expression": "document.body.innerText", "returnByValue": true})
	if err != nil {
		return err.Error()
	}
	return string(answer)
}

// click clicks with the mouse what a selector finds.
func (p *tab) click(selector string) {
	p.t.Helper()
	var at struct{ X, Y float64 }
	find := fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); return {x: r.x + r.width / 2, y: r.y + r.height / 2}; })()`, selector)
	if err := p.evaluate(find, &at); err != nil {
		p.t.Fatalf("click %s: %v", selector, err)
	}
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
	}
}

// search replaces what the search field says by a text, and presses Enter.
func (p *tab) search(text string) {
	p.t.Helper()
	p.click("input[type=search]")
	p.key(map[string]any{"key": "a", "code": "KeyA", "modifiers": 2, "commands": []string{"selectAll", "deleteBackward"}})
	p.call("Input.insertText", map[string]any{"text": text}, nil)
	p.key(map[string]any{"key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13})
}

// key presses a key and lets it go.
func (p *tab) key(params map[string]any) {
	p.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		params["type"] = kind
		p.call("Input.dispatchKeyEvent", params, nil)
	}
}

// picture leaves a screenshot where -screenshots is set.
func (p *tab) picture(name string) {
	p.t.Helper()
	if *screenshots == "" {
		return
	}
	var shot struct{ Data string }
	p.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// complaints are the errors that pages logged so far: exceptions, and what their policy kept from running.
func (b *browser) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.troubles...)
}
